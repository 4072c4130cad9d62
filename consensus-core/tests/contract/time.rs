//! Times and timers.

use proptest::prelude::*;
use quorate_core::{Time, Timers};
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn times_saturate() {
    let end = Time(u64::MAX);
    assert_eq!(end.after(Duration::from_secs(1)), end);
    assert_eq!(Time::ZERO.after(Duration::MAX), end);
    assert_eq!(Time::ZERO.since(end), Duration::ZERO);
    assert_eq!(Time::from_millis(u64::MAX), end);
    let second = Time::from_millis(1000);
    assert_eq!(second.since(Time::ZERO), Duration::from_secs(1));
    assert_eq!(Time::ZERO.after(Duration::from_secs(1)), second);
}

#[test]
fn of_equal_deadlines_the_first_set_is_due_first() {
    let mut timers = Timers::default();
    for name in ["b", "a", "c"] {
        timers.set(name, Time(5));
    }
    timers.set("b", Time(5));
    assert_eq!(timers.due(Time(4)), None);
    let order: Vec<_> = std::iter::from_fn(|| timers.due(Time(5))).collect();
    assert_eq!(order, ["a", "c", "b"]);
    assert_eq!(timers.next(), None);
}

#[test]
fn names_have_one_deadline() {
    let mut timers = Timers::default();
    timers.set(1, Time(5));
    timers.set(1, Time(9));
    assert_eq!(
        (timers.get(1), timers.next()),
        (Some(Time(9)), Some(Time(9)))
    );
    timers.clear(1);
    timers.clear(2);
    assert_eq!(timers.get(1), None);
    timers.set(1, Time(1));
    timers.clear_all();
    assert_eq!(timers.next(), None);
}

proptest! {
    #[test]
    fn they_are_a_map_by_name(
        operations in prop::collection::vec((0..4u8, 0..6u8, 0..50u64), 0..60),
    ) {
        let mut timers = Timers::default();
        let mut model = BTreeMap::new();
        for (operation, name, at) in operations {
            match operation {
                0 | 1 => {
                    timers.set(name, Time(at));
                    model.insert(name, Time(at));
                }
                2 => {
                    timers.clear(name);
                    model.remove(&name);
                }
                _ => {
                    let due = timers.due(Time(at));
                    let earliest = model.values().min().copied().filter(|it| *it <= Time(at));
                    prop_assert_eq!(due.and_then(|name| model.remove(&name)), earliest);
                }
            }
            prop_assert_eq!(timers.next(), model.values().min().copied());
        }
    }
}
