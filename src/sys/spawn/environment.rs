//! COMMAND's environment: rinit's own, but for the variables by which systemd
//! names the one process that they are meant for.

use std::ffi::c_char;
use std::ptr;

use nix::unistd::{Pid, getpid};

use crate::sys::environment::{envp, variables};

/// Socket activation (sd_listen_fds(3)) and the watchdog (sd_watchdog_enabled(3)).
const NAMES: [&[u8]; 2] = [b"LISTEN_PID=", b"WATCHDOG_PID="];
/// The inode of the pidfd of the process that LISTEN_PID names; it names
/// rinit's, and cannot be known for COMMAND's.
const PIDFD_NAME: &[u8] = b"LISTEN_PIDFDID=";

/// The longest name, ten digits and a NUL.
const CAPACITY: usize = 24;

/// A variable that is to hold the pid of the child, which only the child knows.
pub struct PidVariable {
    text: [u8; CAPACITY],
    digits_at: usize,
}

pub struct Environment {
    /// Empty where nothing is to be changed.
    changed: Vec<*const c_char>,
    pub pid_variables: Vec<PidVariable>,
}

impl Environment {
    pub fn for_child() -> Self {
        let pid_variables: Vec<PidVariable> = variables()
            .filter_map(|variable| PidVariable::naming(getpid, variable.to_bytes()))
            .collect();
        let mut changed = Vec::new();
        if !pid_variables.is_empty() {
            let mut renamed = pid_variables.iter();
            changed.extend(variables().filter_map(|variable| {
                let bytes = variable.to_bytes();
                if PidVariable::naming(getpid, bytes).is_some() {
                    renamed.next().map(|renamed| renamed.text.as_ptr().cast())
                } else if bytes.starts_with(PIDFD_NAME) {
                    None
                } else {
                    Some(variable.as_ptr())
                }
            }));
            changed.push(ptr::null());
        }
        Self {
            changed,
            pid_variables,
        }
    }

    /// The variables, and the null that ends them.
    pub fn pointers(&self) -> *const *const c_char {
        if self.changed.is_empty() {
            envp()
        } else {
            self.changed.as_ptr()
        }
    }
}

impl PidVariable {
    /// The variable, if it is one of these and names that pid, which is asked for only then.
    fn naming(pid: impl FnOnce() -> Pid, variable: &[u8]) -> Option<Self> {
        let name = NAMES.into_iter().find(|name| variable.starts_with(name))?;
        let digits = variable.get(name.len()..)?;
        if std::str::from_utf8(digits).ok()?.parse() != Ok(pid().as_raw()) {
            return None;
        }
        let mut text = [0; CAPACITY];
        text.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self {
            text,
            digits_at: name.len(),
        })
    }

    /// Writes the pid's digits. For the child: nothing in here can fail.
    pub fn set(&mut self, pid: libc::pid_t) {
        let mut digits = [0; 10];
        let mut rest = pid.unsigned_abs();
        let mut count: usize = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add((rest % 10) as u8);
            rest /= 10;
            count = count.wrapping_add(1);
            if rest == 0 {
                break;
            }
        }
        let place = self.text.iter_mut().skip(self.digits_at);
        let shown = digits.iter().skip(digits.len().wrapping_sub(count));
        for (byte, digit) in place.zip(shown) {
            *byte = *digit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn only_the_variables_that_name_the_pid_are_set_anew() {
        let pid = || Pid::from_raw(42);
        for (variable, anew) in [
            ("LISTEN_PID=42", Some("LISTEN_PID=4194304")),
            ("WATCHDOG_PID=42", Some("WATCHDOG_PID=4194304")),
            ("LISTEN_PID=43", None),
            ("LISTEN_PID=", None),
            ("LISTEN_PIDFDID=42", None),
            ("MY_LISTEN_PID=42", None),
        ] {
            let set = PidVariable::naming(pid, variable.as_bytes()).map(|mut variable| {
                variable.set(4_194_304);
                let text = CStr::from_bytes_until_nul(&variable.text).unwrap();
                text.to_str().unwrap().to_owned()
            });
            assert_eq!(set.as_deref(), anew, "{variable}");
        }
    }

    #[test]
    fn pids_of_any_length_fit() {
        for pid in [1, 10, 99, 100, 4_194_304, i32::MAX] {
            let mut variable = PidVariable::naming(|| Pid::from_raw(7), b"WATCHDOG_PID=7").unwrap();
            variable.set(pid);
            let text = CStr::from_bytes_until_nul(&variable.text).unwrap();
            assert_eq!(text.to_str().unwrap(), format!("WATCHDOG_PID={pid}"));
        }
    }
}
