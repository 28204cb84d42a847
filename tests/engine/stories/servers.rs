//! Servers from Debian's packages, and what a Dockerfile starts beside them.

use super::Story;
use super::stage::{KILLED, inside, left_in, stop, until};
use crate::common::wait_for;

pub const SQUID: Story = Story {
    title: "Squid in the middle of a download",
    before: r"CMD /usr/sbin/squid -N",
    after: r#"ENTRYPOINT ["/sbin/rinit", "-r", "TERM:INT", "--"]
CMD /usr/sbin/squid -N"#,
    alone: (137, "killed"),
    tini: (143, "killed"),
    dumb_init: (143, "killed"),
    rinit: (130, "in order"),
};

pub const POSTFIX: Story = Story {
    title: "Postfix with rsyslog, from a `startup.sh`",
    before: r#"CMD ["/app/startup.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/startup.sh"]"#,
    alone: (137, "last line lost"),
    tini: (143, "last line lost"),
    dumb_init: (143, "last line lost"),
    rinit: (143, "last line kept"),
};

pub const UNBOUND: Story = Story {
    title: "Unbound, `unbound -d`",
    before: r#"CMD ["unbound", "-d"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["unbound", "-d"]"#,
    alone: (0, "in order"),
    tini: (0, "in order"),
    dumb_init: (0, "in order"),
    rinit: (0, "in order"),
};

pub const TRAP: Story = Story {
    title: "The shell loop that waits for nothing",
    before: r"CMD trap 'exit 0' TERM; while :; do sleep infinity & wait $!; done",
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD trap 'exit 0' TERM; while :; do sleep infinity & wait $!; done"#,
    alone: (0, "by its trap"),
    tini: (0, "by its trap"),
    dumb_init: (0, "by its trap"),
    rinit: (0, "by its trap"),
};

pub const LEGACY: Story = Story {
    title: "Redis from `/etc/init.d`",
    before: r"CMD /etc/init.d/redis-server start; tail -f /dev/null",
    after: r#"ENTRYPOINT ["/sbin/rinit", "-d", "--"]
CMD ["/etc/init.d/redis-server", "start"]"#,
    alone: (137, "data lost"),
    tini: (143, "data lost"),
    dumb_init: (143, "data lost"),
    rinit: (0, "data saved"),
};

pub const DEAF: Story = Story {
    title: "A server that handles no SIGTERM",
    before: r#"CMD ["python3", "-u", "-m", "http.server"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "-u", "-m", "http.server"]"#,
    alone: (137, "killed"),
    tini: (143, "ended"),
    dumb_init: (143, "ended"),
    rinit: (143, "ended"),
};

pub const ZOMBIES: Story = Story {
    title: "A server and health checks that leave zombies",
    before: r#"CMD ["python3", "/app/zombies.py"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/zombies.py"]"#,
    alone: (0, "6 zombies"),
    tini: (0, "0 zombies"),
    dumb_init: (0, "0 zombies"),
    rinit: (0, "0 zombies"),
};

#[test]
fn squid_asked_to_shut_down_at_once_does_so_in_order() {
    SQUID.tell(&[], |container, patience| {
        until(container, "grep 'Accepting HTTP' /var/log/squid/cache.log");
        container.exec_words(&["--detach"], &["python3", "/app/download.py"]);
        until(container, "test -e /tmp/downloading");
        let stopped = stop(container, patience);
        let finished = left_in(container, "/var/log/squid", "Exiting normally");
        stopped.with(if finished { "in order" } else { "killed" })
    });
}

#[test]
fn postfix_stops_in_order_and_rsyslog_hears_its_last_line() {
    POSTFIX.tell(&[], |container, patience| {
        until(container, "grep 'daemon started' /var/log/mail.log");
        inside(
            container,
            "echo 'a message to keep' | sendmail someone@example.org",
        );
        until(container, "postqueue -p | grep 'no route yet'");
        let stopped = stop(container, patience);
        assert!(left_in(
            container,
            "/var/spool/postfix/deferred",
            "a message to keep"
        ));
        let heard = left_in(container, "/var/log", "terminating on signal 15");
        stopped.with(if heard {
            "last line kept"
        } else {
            "last line lost"
        })
    });
}

#[test]
fn unbound_stops_in_order_before_and_after() {
    UNBOUND.tell(&[], |container, patience| {
        container.stderr.line("start of service");
        let stopped = stop(container, patience);
        container.stderr.line("service stopped");
        stopped.with("in order")
    });
}

#[test]
fn the_shell_loop_stops_with_the_status_of_its_trap() {
    TRAP.tell(&[], |container, patience| {
        until(container, "pgrep --exact --full 'sleep infinity'");
        stop(container, patience).with("by its trap")
    });
}

#[test]
fn the_daemon_of_an_init_script_saves_its_data() {
    LEGACY.tell(&[], |container, patience| {
        until(container, "redis-cli set last words");
        let stopped = stop(container, patience);
        let saved = left_in(container, "/var/lib/redis", "words");
        stopped.with(if saved { "data saved" } else { "data lost" })
    });
}

#[test]
fn a_server_that_handles_no_sigterm_ends_at_once() {
    DEAF.tell(&[], |container, patience| {
        container.says("Serving HTTP");
        let stopped = stop(container, patience);
        let killed = stopped.status == KILLED;
        stopped.with(if killed { "killed" } else { "ended" })
    });
}

#[test]
fn no_zombie_of_a_server_or_of_its_health_checks_stays() {
    ZOMBIES.tell(&[], |container, patience| {
        container.says("ready");
        for _ in 0..3 {
            container.exec("/app/health.sh");
        }
        // An init reaps each in its time, and without one all of them stay.
        let zombies = wait_for("all of the zombies are there or none", || {
            let states = container.exec("ps --no-headers -eo stat");
            let zombies = states
                .lines()
                .filter(|state| state.starts_with('Z'))
                .count();
            [0, 6].contains(&zombies).then_some(zombies)
        });
        stop(container, patience).with(&format!("{zombies} zombies"))
    });
}
