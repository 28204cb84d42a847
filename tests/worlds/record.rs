//! What happened, and when: memory that all processes of a world share. Each writes into slots of its
//! own, without a lock, from signal handlers too.

use std::cell::UnsafeCell;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::world::{MOST_ACTORS, Resource, World};

const SLOTS: usize = 3000;

/// Since boot.
pub type Time = Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// By an actor:
    Born {
        pid: i32,
    },
    /// It does about each signal what it is to do.
    Ready,
    /// Its child is not its own any more: forked twice.
    Detached(usize),
    Received {
        signal: i32,
        code: i32,
        from: i32,
    },
    PassesOn {
        signal: i32,
    },
    Raises {
        signal: i32,
    },
    InputEnded,
    Exits {
        status: i32,
    },
    /// By the director:
    Signals {
        signal: i32,
    },
    Hits {
        actor: usize,
        signal: i32,
    },
    /// SIGSTOP has stopped it.
    Stopped(usize),
    Presses {
        signal: i32,
    },
    Starves(Resource),
    Feeds,
    /// For some time: an actor, or all of them and rinit.
    Freezes(Option<usize>),
    Thaws,
    Enters(usize),
    /// The signal of this number has gone out.
    Done,
    /// rinit sleeps, and no signal is pending: it has done what there was to do.
    Idle,
    /// Of an actor, which lived at that time for sure.
    Dead {
        actor: usize,
        alive_at: Time,
    },
    /// Reaped, with its wait status.
    Reaped {
        actor: usize,
        status: i32,
    },
    /// rinit was woken so often although nothing happened.
    Woken {
        times: u64,
        within: Duration,
    },
    /// An actor stays stopped though the terminal's key is long pressed.
    StaysStopped(usize),
    Curfew,
    RinitEnded {
        status: i32,
    },
}

#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub at: Time,
    /// Who wrote it; `None`: the director.
    pub by: Option<usize>,
    pub fact: Fact,
}

struct Slot {
    is_written: AtomicU32,
    entry: UnsafeCell<Entry>,
}

pub struct Record {
    pub world: World,
    pub curfew: AtomicU32,
    /// Rung when an actor has something to look after.
    pub bells: [AtomicU32; MOST_ACTORS],
    /// The director watches it.
    pub watched: [AtomicU32; MOST_ACTORS],
    taken: AtomicU32,
    slots: [Slot; SLOTS],
}

impl Record {
    /// Its memory, zeroed, and a descriptor for it.
    pub fn create(world: &World) -> (Shared, OwnedFd) {
        let memory = memfd_create(c"record", MFdFlags::MFD_CLOEXEC).expect("a file in memory");
        nix::unistd::ftruncate(&memory, size_of::<Record>() as i64).expect("memory");
        let shared = Shared::map(memory.as_raw_fd());
        // SAFETY: nobody else knows it yet.
        unsafe { ptr::addr_of_mut!((*shared.0).world).write(*world) };
        (shared, memory)
    }

    pub fn write(&self, by: Option<usize>, fact: Fact) {
        self.write_at(now(), by, fact);
    }

    pub fn write_at(&self, at: Time, by: Option<usize>, fact: Fact) {
        let place = self.taken.fetch_add(1, Ordering::Relaxed) as usize;
        let Some(slot) = self.slots.get(place) else {
            return;
        };
        // SAFETY: the slot is nobody else's, and read only once it is marked as written.
        unsafe { slot.entry.get().write(Entry { at, by, fact }) };
        slot.is_written.store(1, Ordering::Release);
    }

    /// All that is written, in the order of time.
    pub fn entries(&self) -> Vec<Entry> {
        let taken = self.taken.load(Ordering::Relaxed) as usize;
        let is_written = |slot: &&Slot| slot.is_written.load(Ordering::Acquire) == 1;
        let slots = self.slots.iter().take(taken).filter(is_written);
        // SAFETY: written once, and never again.
        let mut entries: Vec<Entry> = slots.map(|slot| unsafe { *slot.entry.get() }).collect();
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    pub fn ring(&self, actor: usize) {
        let bell = &self.bells[actor];
        bell.fetch_add(1, Ordering::SeqCst);
        // SAFETY: wakes whoever waits at that address.
        unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
    }

    pub fn ring_all(&self) {
        (0..MOST_ACTORS).for_each(|actor| self.ring(actor));
    }
}

/// Sleeps until the bell is rung, a signal is handled, or time is up.
pub fn wait_for_bell(bell: &AtomicU32, heard: u32, limit: Option<Duration>) {
    let limit = limit.map(|limit| libc::timespec {
        tv_sec: limit.as_secs() as _,
        tv_nsec: limit.subsec_nanos() as _,
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the kernel reads the word and the limit.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            bell.as_ptr(),
            libc::FUTEX_WAIT,
            heard,
            limit,
        )
    };
}

/// CLOCK_BOOTTIME.
pub fn now() -> Time {
    // SAFETY: the kernel writes the time.
    unsafe {
        let mut time = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}

/// The record as a process has it mapped.
pub struct Shared(*mut Record);

// SAFETY: all of it that changes is atomic, or a slot's, which has one writer.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub fn map(descriptor: RawFd) -> Shared {
        // SAFETY: a new mapping of a file of that size.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Record>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                descriptor,
                0,
            )
        };
        assert!(memory != libc::MAP_FAILED, "memory for the record");
        Shared(memory.cast())
    }
}

impl std::ops::Deref for Shared {
    type Target = Record;

    fn deref(&self) -> &Record {
        // SAFETY: mapped until it is dropped.
        unsafe { &*self.0 }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: nothing refers to it any more.
        unsafe { libc::munmap(self.0.cast(), size_of::<Record>()) };
    }
}
