//! What a process writes, collected as it comes.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use super::limit;

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    closed: bool,
}

pub struct Output {
    name: &'static str,
    shared: Arc<(Mutex<Written>, Condvar)>,
}

impl Output {
    /// Reads from `source` until its end, in the background.
    pub fn of(name: &'static str, source: Option<impl Read + Send + 'static>) -> Output {
        let shared = Arc::new((Mutex::new(Written::default()), Condvar::new()));
        let output = Output {
            name,
            shared: Arc::clone(&shared),
        };
        let mut source = source;
        thread::spawn(move || {
            let (written, changed) = &*shared;
            let mut buffer = [0; 4096];
            loop {
                // A terminal whose other side is gone answers EIO: that is its end.
                let count = source
                    .as_mut()
                    .map_or(0, |source| source.read(&mut buffer).unwrap_or(0));
                let mut written = written.lock().unwrap();
                written.bytes.extend_from_slice(&buffer[..count]);
                written.closed = count == 0;
                changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        output
    }

    /// All so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shared.0.lock().unwrap().bytes).into_owned()
    }

    /// Waits for `condition` to give something, asked again with each piece that comes.
    pub fn wait_for<T>(&self, what: &str, mut condition: impl FnMut(&str) -> Option<T>) -> T {
        let start = Instant::now();
        let (written, changed) = &*self.shared;
        let mut written = written.lock().unwrap();
        loop {
            let text = String::from_utf8_lossy(&written.bytes);
            if let Some(value) = condition(&text) {
                return value;
            }
            let left = limit().saturating_sub(start.elapsed());
            let end = if written.closed {
                "ended"
            } else {
                "waited in vain"
            };
            if written.closed || left.is_zero() {
                let said = text.into_owned();
                drop(written);
                panic!("{} {end} without {what}; it had:\n{said}", self.name);
            }
            written = changed.wait_timeout(written, left).unwrap().0;
        }
    }

    /// Waits for a whole line that contains `text`, and gives it.
    pub fn line(&self, text: &str) -> String {
        self.wait_for(&format!("a line with {text:?}"), |all| {
            whole_lines(all)
                .find(|line| line.contains(text))
                .map(str::to_owned)
        })
    }

    /// Waits for the end: nobody holds the writing side any more.
    pub fn wait_for_end(&self) {
        let (written, changed) = &*self.shared;
        let (written, timeout) = changed
            .wait_timeout_while(written.lock().unwrap(), limit(), |written| !written.closed)
            .unwrap();
        let said = String::from_utf8_lossy(&written.bytes).into_owned();
        drop(written);
        assert!(
            !timeout.timed_out(),
            "{} is still held open; it had:\n{said}",
            self.name
        );
    }
}

/// The lines that have their end already.
pub fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
}

/// How often a fixture NAME has recorded that signal.
pub fn got(text: &str, name: &str, signal: &str) -> usize {
    text.matches(&format!("{name} got {signal} ")).count()
}

/// These texts are there, the first occurrence of each behind that of the one before.
pub fn assert_order(text: &str, parts: &[&str]) {
    let places: Vec<_> = parts.iter().map(|part| text.find(part)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "not in the order {parts:?}:\n{text}"
    );
}
