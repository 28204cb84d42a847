//! Architectures, as ELF, the kernel and Docker name them.

use elf::abi;
use elf::file::Class;
use nix::sys::utsname::uname;

/// An architecture: by Docker's name, which is Go's, and by the kernel's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arch {
    /// As in `--platform linux/…`; where Docker has none, `None`.
    pub docker: Option<&'static str>,
    pub kernel: &'static str,
}

const fn arch(docker: &'static str, kernel: &'static str) -> Arch {
    Arch {
        docker: Some(docker),
        kernel,
    }
}

const AMD64: Arch = arch("amd64", "x86_64");
const I386: Arch = arch("386", "i386");
const ARM64: Arch = arch("arm64", "aarch64");
const ARM: Arch = arch("arm", "arm");
const PPC64: Arch = arch("ppc64", "ppc64");
const PPC64LE: Arch = arch("ppc64le", "ppc64le");
const RISCV64: Arch = arch("riscv64", "riscv64");
const S390X: Arch = arch("s390x", "s390x");
const LOONG64: Arch = arch("loong64", "loongarch64");
const MIPS64: Arch = arch("mips64", "mips64");
const MIPS64LE: Arch = arch("mips64le", "mips64el");
const MIPS: Arch = arch("mips", "mips");
const MIPSLE: Arch = arch("mipsle", "mipsel");
const X32: Arch = Arch {
    docker: None,
    kernel: "x32",
};
const OTHER: Arch = Arch {
    docker: None,
    kernel: "another architecture",
};

impl Arch {
    /// What an ELF header says.
    pub fn of_elf(machine: u16, class: Class, is_little_endian: bool) -> Self {
        match (machine, class, is_little_endian) {
            (abi::EM_X86_64, Class::ELF64, true) => AMD64,
            (abi::EM_X86_64, Class::ELF32, true) => X32,
            (abi::EM_386, Class::ELF32, true) => I386,
            (abi::EM_AARCH64, Class::ELF64, true) => ARM64,
            (abi::EM_ARM, Class::ELF32, true) => ARM,
            (abi::EM_PPC64, Class::ELF64, true) => PPC64LE,
            (abi::EM_PPC64, Class::ELF64, false) => PPC64,
            (abi::EM_RISCV, Class::ELF64, true) => RISCV64,
            (abi::EM_S390, Class::ELF64, false) => S390X,
            (abi::EM_LOONGARCH, Class::ELF64, true) => LOONG64,
            (abi::EM_MIPS, Class::ELF64, true) => MIPS64LE,
            (abi::EM_MIPS, Class::ELF64, false) => MIPS64,
            (abi::EM_MIPS, Class::ELF32, true) => MIPSLE,
            (abi::EM_MIPS, Class::ELF32, false) => MIPS,
            _ => OTHER,
        }
    }

    /// The machine's, by uname(2).
    pub fn of_machine() -> Self {
        let name = uname();
        match name.as_ref().ok().and_then(|name| name.machine().to_str()) {
            Some("x86_64") => AMD64,
            Some("i386" | "i486" | "i586" | "i686") => I386,
            Some("aarch64" | "arm64") => ARM64,
            Some("ppc64le") => PPC64LE,
            Some("ppc64") => PPC64,
            Some("riscv64") => RISCV64,
            Some("s390x") => S390X,
            Some("loongarch64") => LOONG64,
            Some(machine) if machine.starts_with("arm") => ARM,
            // The kernel says `mips` and `mips64` for both byte orders.
            Some("mips64") if cfg!(target_endian = "little") => MIPS64LE,
            Some("mips64") => MIPS64,
            Some("mips") if cfg!(target_endian = "little") => MIPSLE,
            Some("mips") => MIPS,
            _ => OTHER,
        }
    }
}
