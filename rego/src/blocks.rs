//! Memory in blocks of a few sizes, each kept for the next value of its size. An interpreter makes and drops the same small values
//! with every step: the general allocator, which joins neighbours again and looks for the best place, took a third of the time.
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

/// Bytes between one size and the next, and what every block is aligned to.
const STEP: usize = 16;
const LARGEST: usize = 512;
/// Bytes asked for at once.
const CHUNK: usize = 64 << 10;

/// A block that is free begins with the address of the next one that is.
struct Free {
    heads: [Cell<*mut u8>; LARGEST / STEP],
    /// What is left of the latest chunk.
    chunk: Cell<*mut u8>,
    left: Cell<usize>,
}

/// The host never calls in while a call is under way, and there are no threads.
unsafe impl Sync for Free {}

static FREE: Free = Free {
    heads: [const { Cell::new(null_mut()) }; LARGEST / STEP],
    chunk: Cell::new(null_mut()),
    left: Cell::new(0),
};

/// Which list a value's block is from; none where it is too large for one.
fn list_of(layout: Layout) -> Option<usize> {
    let fits = layout.size() <= LARGEST && layout.align() <= STEP;
    fits.then(|| layout.size().saturating_sub(1) / STEP)
}

#[cold]
unsafe fn carve(list: usize) -> *mut u8 {
    let size = (list + 1) * STEP;
    if FREE.left.get() < size {
        let chunk = unsafe { System.alloc(Layout::from_size_align_unchecked(CHUNK, STEP)) };
        if chunk.is_null() {
            return chunk;
        }
        FREE.chunk.set(chunk);
        FREE.left.set(CHUNK);
    }
    let block = FREE.chunk.get();
    FREE.chunk.set(unsafe { block.add(size) });
    FREE.left.set(FREE.left.get() - size);
    block
}

pub unsafe fn take(layout: Layout) -> *mut u8 {
    let Some(list) = list_of(layout) else {
        return unsafe { System.alloc(layout) };
    };
    let head = &FREE.heads[list];
    let block = head.get();
    if block.is_null() {
        return unsafe { carve(list) };
    }
    head.set(unsafe { block.cast::<*mut u8>().read() });
    block
}

pub unsafe fn take_zeroed(layout: Layout) -> *mut u8 {
    if list_of(layout).is_none() {
        return unsafe { System.alloc_zeroed(layout) };
    }
    unsafe {
        let block = take(layout);
        if !block.is_null() {
            block.write_bytes(0, layout.size());
        }
        block
    }
}

pub unsafe fn give_back(block: *mut u8, layout: Layout) {
    let Some(list) = list_of(layout) else {
        return unsafe { System.dealloc(block, layout) };
    };
    let head = &FREE.heads[list];
    unsafe { block.cast::<*mut u8>().write(head.get()) };
    head.set(block);
}

pub unsafe fn resize(block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    unsafe {
        let wanted = Layout::from_size_align_unchecked(size, layout.align());
        let (from, to) = (list_of(layout), list_of(wanted));
        if from.is_none() && to.is_none() {
            return System.realloc(block, layout, size);
        }
        if from == to {
            return block;
        }
        let moved = take(wanted);
        if !moved.is_null() {
            moved.copy_from_nonoverlapping(block, layout.size().min(size));
            give_back(block, layout);
        }
        moved
    }
}
