//! Every system call of this crate.
#![allow(clippy::disallowed_methods, reason = "this is the file the other ones are sent to")]

use std::ffi::{CString, c_void};
use std::mem::MaybeUninit;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;

use super::{Errno, Os};
use crate::sync::raw::{AtomicU8, AtomicUsize, Ordering};

/// Linux, from 4.14 (whose `membarrier` is the newest call that is wanted; without it, caches are slower).
#[derive(Debug)]
pub(crate) struct Linux;

// SAFETY: `mmap` gives zeroes at addresses that nobody has; `MADV_DONTNEED` on a private anonymous mapping gives the range
// back at once, and zeroes are read there; `munmap` touches no page but the range's.
unsafe impl Os for Linux {
    fn page_size(&self) -> usize {
        static BYTES: AtomicUsize = AtomicUsize::new(0);
        match BYTES.load(Ordering::Relaxed) {
            0 => {
                // SAFETY: the call reads a number.
                let asked = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
                let bytes = usize::try_from(asked).expect("every system has a page size");
                BYTES.store(bytes, Ordering::Relaxed);
                bytes
            }
            known => known,
        }
    }

    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno> {
        let page = self.page_size();
        debug_assert!(bytes.is_multiple_of(page) && align.is_power_of_two() && align >= page);
        let slack = align - page;
        let whole = bytes.checked_add(slack).ok_or(Errno(libc::ENOMEM))?;
        let start = map_anonymous(whole)?;
        let address = start.next_multiple_of(align);
        let (before, after) = (address - start, whole - bytes - (address - start));
        // The parts around the aligned range. Should the kernel refuse (it may have merged the mapping with a neighbour,
        // and have too many to split one), address space is lost, and nothing else.
        for (edge, length) in [(start, before), (address + bytes, after)] {
            if length > 0 {
                // SAFETY: this range was mapped just now, and nobody else has its address.
                let _ = unsafe { libc::munmap(edge as *mut _, length) };
            }
        }
        name_mapping(address, bytes, name);
        Ok(address)
    }

    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise is the same.
        check(unsafe { libc::munmap(address as *mut _, bytes) })
    }

    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller says that nobody needs what is there.
        check(unsafe { libc::madvise(address as *mut _, bytes, libc::MADV_DONTNEED) })
    }

    fn huge_pages(&self, address: usize, bytes: usize, on: bool) {
        let advice = if on { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
        // SAFETY: this advice changes nothing that a program can read. A kernel without huge pages refuses it.
        let _ = unsafe { libc::madvise(address as *mut _, bytes, advice) };
    }

    fn membarrier(&self) -> bool {
        const UNKNOWN: u8 = 0;
        const MISSING: u8 = 1;
        const REGISTERED: u8 = 2;
        static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);
        if STATE.load(Ordering::Relaxed) == UNKNOWN {
            let registered = membarrier_call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
            STATE.store(if registered { REGISTERED } else { MISSING }, Ordering::Relaxed);
        }
        STATE.load(Ordering::Relaxed) == REGISTERED && membarrier_call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
    }
}

/// The lowest address of the calling thread's stack; 0 where the system does not say. For the JVM side, some of whose work
/// must not begin near the end of a stack.
pub fn stack_end() -> usize {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: the call fills in the attributes of the calling thread.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return 0;
    }
    let (mut end, mut bytes) = (ptr::null_mut(), 0);
    // SAFETY: the attributes are filled in, read, and destroyed once.
    unsafe {
        libc::pthread_attr_getstack(attributes.as_ptr(), &mut end, &mut bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    end.addr()
}

/// Sets the calling thread's `errno`, for callers in C.
pub(crate) fn set_errno(errno: Errno) {
    // SAFETY: the address is that of a variable of this thread.
    unsafe { *libc::__errno_location() = errno.0 };
}

/// Calls `in_child` first thing in every child that this process forks from now on.
pub(crate) fn after_fork(in_child: extern "C" fn()) -> Result<(), Errno> {
    // SAFETY: the function takes nothing, and is there as long as the library is, with which the C library forgets it.
    match unsafe { libc::pthread_atfork(None, None, Some(in_child)) } {
        0 => Ok(()),
        errno => Err(Errno(errno)),
    }
}

/// Calls `here`, and at the same time `beside` in a thread of its own; after it if there is no thread to be had. Returns when
/// both are over. What panics in that thread ends there.
///
/// The standard library would leave a destructor to the thread that starts another one. While a thread has such, this library
/// cannot be unloaded, though its class loader be gone.
pub(crate) fn run_both<F: FnMut() + Send>(here: impl FnOnce(), mut beside: F) {
    extern "C" fn run<F: FnMut() + Send>(beside: *mut c_void) -> *mut c_void {
        // SAFETY: it is the `F` below, which stays there and is left alone until this thread was joined.
        let beside = unsafe { &mut *beside.cast::<F>() };
        // Out of here it would end the process.
        let _ = panic::catch_unwind(AssertUnwindSafe(beside));
        ptr::null_mut()
    }

    struct Joined(libc::pthread_t);
    impl Drop for Joined {
        fn drop(&mut self) {
            // SAFETY: the thread was started, and is joined once. That cannot fail, as it waits for nobody.
            unsafe { libc::pthread_join(self.0, ptr::null_mut()) };
        }
    }

    let mut thread = MaybeUninit::uninit();
    // SAFETY: whatever `here` does, the thread is over before `beside` is gone.
    let errno = unsafe { libc::pthread_create(thread.as_mut_ptr(), ptr::null(), run::<F>, (&raw mut beside).cast()) };
    if errno != 0 {
        here();
        return beside();
    }
    // SAFETY: a thread that was started has a number.
    let _joined = Joined(unsafe { thread.assume_init() });
    here();
}

fn map_anonymous(bytes: usize) -> Result<usize, Errno> {
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED { Err(last_error()) } else { Ok(address as usize) }
}

/// Names a mapping for `pmap` and `/proc/self/maps`: Linux 5.17 with `CONFIG_ANON_VMA_NAME`; others ignore it.
fn name_mapping(address: usize, bytes: usize, name: &str) {
    const PR_SET_VMA: libc::c_int = 0x5356_4d41;
    const PR_SET_VMA_ANON_NAME: libc::c_ulong = 0;
    let Ok(name) = CString::new(name) else { return };
    // SAFETY: the kernel copies the name, and the range is ours; a kernel that does not know the call refuses it.
    let _ = unsafe { libc::prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, address, bytes, name.as_ptr()) };
}

fn membarrier_call(command: libc::c_int) -> bool {
    // SAFETY: the call orders memory accesses and does nothing else.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

fn check(result: libc::c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(last_error()) }
}

fn last_error() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}
