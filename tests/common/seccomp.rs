//! System calls that fail, as on an old kernel or in a sandbox.

use std::io;

/// Before exec: lets these calls fail with that error from now on, for whichever user. At most ten.
pub fn refuse(calls: &[libc::c_long], errno: i32) -> io::Result<()> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const LAST: usize = 12;
    let step = |code, on_true, k| libc::sock_filter {
        code,
        jt: on_true,
        jf: 0,
        k,
    };
    let allow = step(RETURN, 0, libc::SECCOMP_RET_ALLOW);
    let mut filter = [allow; LAST + 1];
    // The first word that the filter sees is the call's number.
    filter[0] = step(LOAD, 0, 0);
    for (place, call) in calls.iter().enumerate() {
        let to_refusal = (LAST - (place + 1) - 1) as u8;
        filter[place + 1] = step(EQUAL, to_refusal, *call as u32);
    }
    filter[LAST] = step(RETURN, 0, libc::SECCOMP_RET_ERRNO | errno as u32);
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the filter that `program` points to.
    nix::errno::Errno::result(unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            )
    })?;
    Ok(())
}
