//! Where memory comes from: an arena, which costs no system call; where that is full, the C library;
//! and where that has none left, a small reserve: no message is worth an end for want of memory.
//!
//! # Safety
//! rinit has one thread. Between clone and exec its child shares this memory,
//! but takes none, and rinit stands still.
#![allow(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::ptr;

use crate::sys::spawn;

/// The allocator of the program.
pub struct Heap {
    /// What to do where nothing is left before COMMAND has started: std would abort.
    exhausted: fn() -> !,
}

impl Heap {
    pub const fn new(exhausted: fn() -> !) -> Self {
        Self { exhausted }
    }
}

/// Most runs need no more. musl's first block takes four system calls and two page faults.
static FIRST: Arena<{ 8 * 1024 }> = Arena::new();
static RESERVE: Arena<{ 64 * 1024 }> = Arena::new();

/// All zeros, so that it takes no room in the file, and no page of it is there before it is needed.
#[repr(C)]
struct Arena<const SIZE: usize> {
    /// Bytes from the beginning. What is given back out of turn stays in use. It is on the page of
    /// the first blocks.
    used: Cell<usize>,
    bytes: UnsafeCell<Bytes<SIZE>>,
}

/// Aligned as whatever is likely to be kept in it.
#[repr(align(16))]
struct Bytes<const SIZE: usize>(#[allow(dead_code, reason = "memory")] [u8; SIZE]);

// SAFETY: see above.
unsafe impl<const SIZE: usize> Sync for Arena<SIZE> {}

impl<const SIZE: usize> Arena<SIZE> {
    const fn new() -> Self {
        Self {
            used: Cell::new(0),
            bytes: UnsafeCell::new(Bytes([0; SIZE])),
        }
    }

    fn base(&self) -> *mut u8 {
        self.bytes.get().cast()
    }

    /// Where in the arena that block begins, if it is there.
    fn place(&self, block: *mut u8) -> Option<usize> {
        let place = block.addr().checked_sub(self.base().addr())?;
        (place < SIZE).then_some(place)
    }

    /// Takes the bytes behind `place`, if there are so many. Returns whether there are.
    fn take(&self, place: usize, size: usize) -> bool {
        let end = place.checked_add(size).filter(|end| *end <= SIZE);
        if let Some(end) = end {
            self.used.set(end);
        }
        end.is_some()
    }

    /// Whether nothing has been taken since.
    fn is_last(&self, place: usize, layout: Layout) -> bool {
        place.checked_add(layout.size()) == Some(self.used.get())
    }

    fn alloc(&self, layout: Layout) -> Option<*mut u8> {
        if layout.align() > align_of::<Bytes<SIZE>>() {
            return None;
        }
        let place = self.used.get().checked_next_multiple_of(layout.align())?;
        // SAFETY: within the arena.
        self.take(place, layout.size())
            .then(|| unsafe { self.base().add(place) })
    }

    /// Returns whether the block was the arena's.
    fn dealloc(&self, block: *mut u8, layout: Layout) -> bool {
        let place = self.place(block);
        if let Some(place) = place.filter(|place| self.is_last(*place, layout)) {
            self.used.set(place);
        }
        place.is_some()
    }

    /// Returns whether the block has the new size where it is.
    fn resize(&self, block: *mut u8, layout: Layout, size: usize) -> bool {
        self.place(block)
            .is_some_and(|place| self.is_last(place, layout) && self.take(place, size))
    }
}

/// What every malloc(3) aligns its blocks to. Nothing in rinit wants more.
const ALIGNMENT: usize = 2 * size_of::<usize>();

// SAFETY: blocks of an arena do not overlap, since each begins where the last one ends, or behind.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(block) = FIRST.alloc(layout) {
            return block;
        }
        if layout.align() <= ALIGNMENT {
            // SAFETY: it may be called at any time.
            let block = unsafe { libc::malloc(layout.size()) };
            if !block.is_null() {
                return block.cast();
            }
        }
        match RESERVE.alloc(layout) {
            Some(block) => block,
            // From the start on, whoever asks goes on without.
            None if spawn::has_started() => ptr::null_mut(),
            None => (self.exhausted)(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !FIRST.dealloc(block, layout) && !RESERVE.dealloc(block, layout) {
            // SAFETY: what is of no arena is of malloc.
            unsafe { libc::free(block.cast()) };
        }
    }

    // Without realloc(3), which takes 1.4 KB of the binary.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if FIRST.resize(block, layout, size) || RESERVE.resize(block, layout, size) {
            return block;
        }
        // SAFETY: the caller answers for the new size and the old block; the two do not overlap.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}
