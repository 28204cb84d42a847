//! What rinit promises, one module a promise. Nothing here needs a container engine.

#[path = "../common/mod.rs"]
mod common;

mod asked_once;
mod command_line;
mod commit;
mod daemons;
mod drain;
mod exit_status;
mod faults;
mod group_first;
mod idle;
mod kernel_reaps;
mod kill_after;
mod last_words;
mod make_room;
mod manual;
mod messages;
mod migrating;
mod no_proc;
mod old_kernel;
mod out_of_reach;
mod parent_death;
mod races;
mod readme;
mod reaping;
mod security;
mod signals;
mod start;
mod static_binary;
mod storms;
mod surroundings;
mod terminal;
mod termination_log;
mod whoever_asks;
mod why_it_died;
mod why_not_started;
mod why_not_stopped;
mod zero_on_stop;
