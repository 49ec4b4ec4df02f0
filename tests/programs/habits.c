/* What ordinary programs do, one habit a word: tests/programs/test_habits.py asks for each. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHOW(what) do { errno = 0; long got = (long)(what); \
    printf("%s: %s\n", #what, got < 0 ? strerror(errno) : "ok"); } while (0)

extern char **environ;

static int open_all(int count, char **paths) {
    int failed = 0;
    for (int i = 0; i < count; i++) {
        FILE *file = fopen(paths[i], "r");
        printf("%s: %s\n", paths[i], file ? "ok" : strerror(errno));
        failed |= !file;
        if (file) fclose(file);
    }
    return failed;
}

static int list(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    char sixth[256] = "";
    long place = 0;
    int first = 0, again = 0;
    if (!dir) return 1;
    while ((entry = readdir(dir))) first++;
    rewinddir(dir);
    while ((entry = readdir(dir))) {
        if (++again == 5) place = telldir(dir);
        if (again == 6) strcpy(sixth, entry->d_name);
    }
    if (first > 5) {
        seekdir(dir, place);
        entry = readdir(dir);
        printf("%s\n", entry && !strcmp(entry->d_name, sixth) ? "found again" : "lost");
    }
    printf("%d %d\n", first, again);
    return closedir(dir);
}

static void change_files(void) {
    char data[64] = "";
    struct stat found;
    struct timespec times[2] = {{1000000000, 5}, {1100000000, 7}};
    int file = open("one", O_CREAT | O_EXCL | O_RDWR, 0644);
    SHOW(open("one", O_CREAT | O_EXCL | O_RDWR, 0644));
    SHOW(write(file, "hello world", 11));
    SHOW(lseek(file, -100, SEEK_CUR));
    SHOW(pwrite(file, "XY", 2, 100));
    SHOW(ftruncate(file, 5));
    SHOW(futimens(file, times));
    fstat(file, &found);
    printf("%lld %lld.%ld %lld.%ld\n", (long long)found.st_size,
           (long long)found.st_atim.tv_sec, found.st_atim.tv_nsec,
           (long long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
    SHOW(close(file));
    SHOW(close(file));
    file = open("two", O_CREAT | O_APPEND | O_WRONLY, 0644);
    SHOW(write(file, "a", 1));
    SHOW(lseek(file, 0, SEEK_SET));
    SHOW(write(file, "b", 1));
    SHOW(read(file, data, 1));
    fstat(file, &found);
    printf("%lld\n", (long long)found.st_size);
    close(file);
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(open("d", O_WRONLY));
    SHOW(open("d", O_RDWR));
    SHOW(unlink("d"));
    SHOW(rmdir("two"));
    SHOW(rename("one", "d/one"));
    SHOW(rmdir("d"));
    SHOW(symlink("b", "a"));
    SHOW(symlink("a", "b"));
    SHOW(open("a", O_RDONLY) < 0 ? -1 : 0);
    SHOW(stat("a", &found));
    SHOW(lstat("a", &found));
    SHOW(open("two/", O_RDONLY));
    SHOW(open("two/x", O_RDONLY));
    SHOW(access("two", W_OK));
    SHOW(access("none", F_OK));
    SHOW(link("two", "three"));
    SHOW(rename("two", "three"));
    SHOW(unlink("none"));
}

int main(int argc, char **argv) {
    const char *habit = argc > 1 ? argv[1] : "";
    char data[65536];
    ssize_t got;
    setvbuf(stdout, 0, _IOLBF, 0);
    if (!strcmp(habit, "args"))
        for (int i = 0; i < argc; i++) printf("[%s]\n", argv[i]);
    else if (!strcmp(habit, "env"))
        for (char **each = environ; each && *each; each++) puts(*each);
    else if (!strcmp(habit, "cat")) {
        while ((got = read(0, data, sizeof data)) > 0) write(1, data, got);
        return got < 0;
    } else if (!strcmp(habit, "yes")) {
        while (write(1, "y\n", 2) > 0) {}
        fprintf(stderr, "%s\n", strerror(errno));
        return 4;
    } else if (!strcmp(habit, "tty"))
        printf("%d %d %d\n", isatty(0), isatty(1), isatty(2));
    else if (!strcmp(habit, "poll")) {
        struct pollfd stdin_ = {0, POLLIN, 0};
        int ready = poll(&stdin_, 1, 200);
        printf("%d %d\n", ready, stdin_.revents & POLLIN);
    } else if (!strcmp(habit, "sleep")) {
        puts("asleep");
        sleep(100);
    } else if (!strcmp(habit, "open"))
        return open_all(argc - 2, argv + 2);
    else if (!strcmp(habit, "list"))
        return list(argv[2]);
    else if (!strcmp(habit, "change")) {
        if (chdir(argv[2])) return 1;
        change_files();
    } else
        return 2;
    return 0;
}
