//! What rinit promises in containers, under Docker, Podman and what is built upon them:
//!
//!     cargo test --test engine

#[path = "../common/mod.rs"]
mod common;

mod compose;
mod container;
mod dockerfile_example;
mod engine_init;
mod environment;
mod kubernetes;
mod out_of_memory;
mod podman;
mod real_inits;
mod stories;
mod why_not_stopped;
