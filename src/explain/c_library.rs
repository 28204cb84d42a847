//! The C library that a program is built for.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::file;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Libc {
    Glibc,
    Musl,
}

impl Libc {
    /// Both name their loaders in their own way, on every architecture.
    pub fn of_loader(loader: &Path) -> Option<Self> {
        let name = loader.file_name()?.as_bytes();
        if name.starts_with(b"ld-musl-") {
            Some(Self::Musl)
        } else if name.starts_with(b"ld-linux")
            || name.starts_with(b"ld64.so")
            || name == b"ld.so.1"
        {
            Some(Self::Glibc)
        } else {
            None
        }
    }

    /// The one whose loader lies in the image.
    pub fn of_image() -> Option<Self> {
        ["/lib", "/lib64"].into_iter().find_map(|directory| {
            let is_there = |loader: &Path| Self::of_loader(loader).is_some() && loader.exists();
            let directory = Path::new(directory);
            let loader = file::find(directory, |name| is_there(&directory.join(name)))?;
            Self::of_loader(&loader)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders_tell_the_library() {
        for (loader, libc) in [
            ("/lib64/ld-linux-x86-64.so.2", Some(Libc::Glibc)),
            ("/lib/ld-linux-aarch64.so.1", Some(Libc::Glibc)),
            ("/lib/ld64.so.2", Some(Libc::Glibc)),
            ("/lib/ld-musl-x86_64.so.1", Some(Libc::Musl)),
            ("/system/bin/linker64", None),
        ] {
            assert_eq!(Libc::of_loader(Path::new(loader)), libc, "{loader}");
        }
    }
}
