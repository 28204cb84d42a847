/* As PID 1: gives whatever outlives the command the head start that rinit gives it, asks it to end, reaps it, and does
   nothing else. */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    int status;
    pid_t child = vfork();

    if (child == 0) {
        execv(words[1], words + 1);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 125;
    usleep(300 * 1000); /* HEAD_START in src/lifecycle/drain.rs */
    kill(-1, SIGTERM);
    while (wait(NULL) > 0)
        ;
    return WEXITSTATUS(status);
}
