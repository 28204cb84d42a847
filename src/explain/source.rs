//! The bytes of a file, wherever they come from.

pub struct Source<'a> {
    pub size: u64,
    /// Fills the buffer from there on, as far as the file goes, and returns how far.
    pub read: &'a dyn Fn(u64, &mut [u8]) -> Option<usize>,
}

impl Source<'_> {
    /// So many bytes from there, or fewer at the end of the file.
    pub fn up_to(&self, size: usize, start: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; size];
        let read = (self.read)(start, &mut bytes)?;
        bytes.truncate(read);
        Some(bytes)
    }

    /// Exactly so many bytes from there.
    pub fn exactly(&self, size: usize, start: u64) -> Option<Vec<u8>> {
        self.up_to(size, start).filter(|bytes| bytes.len() == size)
    }
}

#[cfg(test)]
impl Source<'_> {
    /// Hands bytes to `inspect` as if they were a file's.
    pub fn with<T>(bytes: &[u8], inspect: impl FnOnce(&Source) -> T) -> T {
        let read = |start: u64, buffer: &mut [u8]| {
            let rest = bytes.get(start.try_into().ok()?..).unwrap_or_default();
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            Some(length)
        };
        inspect(&Source {
            size: bytes.len() as u64,
            read: &read,
        })
    }
}
