//! Panics within a run are findings: they are reported once, with their place, and not shouted
//! into the progress bar.

use std::cell::{Cell, RefCell};

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the panics of [`within`] quiet from now on.
pub(crate) fn watch() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if WATCHED.get() {
            let place = info.location().map(ToString::to_string);
            PLACE.with_borrow_mut(|it| *it = place);
        } else {
            usual(info);
        }
    }));
}

/// Does something that catches its own panics. Returns also where the last of them was.
pub(crate) fn within<R>(act: impl FnOnce() -> R) -> (R, Option<String>) {
    WATCHED.set(true);
    PLACE.with_borrow_mut(|it| *it = None);
    let result = act();
    WATCHED.set(false);
    (result, PLACE.with_borrow_mut(Option::take))
}
