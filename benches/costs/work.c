/* The command that gives an init work:
 *
 *     ping COUNT      sends its parent a signal and waits until it is forwarded, again and again; says how many
 *                     nanoseconds so many took
 *     orphans COUNT   for each line that it reads, makes so many orphans, one by one; then says "done"
 *     sleepers COUNT  says "ready" when so many children sleep, and leaves them behind at the end of its input
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void ping(int count)
{
    pid_t parent = getppid();
    long long before = 0;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* The first half is for the start to be forgotten, by caches and by the scheduler. */
    for (int i = -count; i < count; i++) {
        if (i == 0)
            before = now();
        if (kill(parent, SIGUSR1) != 0 || sigwaitinfo(&set, NULL) < 0)
            fail("ping");
    }
    printf("%lld\n", now() - before);
}

/* Makes an orphan that dies once it is one, and waits until it is reaped: each is news to the init. */
static void orphan(void)
{
    const struct timespec moment = { .tv_nsec = 10000 };
    static volatile pid_t pid;
    pid_t parent;
    int until[2];
    char byte;

    if (pipe(until) != 0)
        fail("pipe");
    /* Of vfork, so that the variable is shared. */
    parent = vfork();
    if (parent == 0) {
        pid = fork();
        if (pid == 0) {
            close(until[1]);
            read(until[0], &byte, 1);
        }
        _exit(0);
    }
    waitpid(parent, NULL, 0);
    close(until[0]);
    close(until[1]);
    if (pid < 0)
        fail("fork");
    while (kill(pid, 0) == 0)
        nanosleep(&moment, NULL);
}

static void orphans(int count)
{
    char line[8];

    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
        for (int i = 0; i < count; i++)
            orphan();
        puts("done");
    }
}

static void sleepers(int count)
{
    char byte;

    for (int i = 0; i < count; i++) {
        pid_t pid = fork();

        if (pid < 0)
            fail("fork");
        while (pid == 0)
            pause();
    }
    puts("ready");
    read(0, &byte, 1);
}

int main(int words, char **word)
{
    int count = words == 3 ? atoi(word[2]) : 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count > 0 && strcmp(word[1], "ping") == 0)
        ping(count);
    else if (count > 0 && strcmp(word[1], "orphans") == 0)
        orphans(count);
    else if (count > 0 && strcmp(word[1], "sleepers") == 0)
        sleepers(count);
    else
        return 2;
    return 0;
}
