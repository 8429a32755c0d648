// Forks of a running Node, one for each case. Node cannot do this itself: its heap is kept from forks, and its threads
// would be missing in one. So it runs with --single-threaded, and with this file in LD_PRELOAD, which leaves it all of its
// memory. What a fork costs are its page tables and the pages that it touches, above all where a hypervisor shadows
// both: the heap is laid together, code is put on huge pages, and what every fork writes to is copied at once.
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <node_api.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define LONGEST 65536
#define PAGE 4096ul
#define HUGE (2ul << 20)
#define MOST_MAPS 2000
/** Forks that are looked at to see which pages they write to. */
#define LOOKS 4

struct map {
  unsigned long from, to;
  char flags[5], path[256];
};

static struct map maps[MOST_MAPS];
static int ends[2] = {-1, -1};

static double number_of(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number;
}

static void put(napi_env env, napi_value object, const char *name, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

/** V8 asks for its memory at addresses all over, each of which takes page tables of its own. */
void *mmap64(void *at, size_t size, int prot, int flags, int file, off64_t offset) {
  static char *next = (char *)(1ul << 45);
  const size_t unit = 256 << 10;
  if (at && !(flags & MAP_FIXED)) {
    at = next;
    // It asks for nearly twice what it needs, and gives back what lies beside the unit.
    next += size < 2 * unit ? unit : (size + unit - 1) / unit * unit;
  }
  return (void *)syscall(SYS_mmap, at, size, prot, flags, file, offset);
}

/** V8 keeps its memory from forks. */
int madvise(void *at, size_t size, int advice) {
  return advice == MADV_DONTFORK ? 0 : (int)syscall(SYS_madvise, at, size, advice);
}

static int read_maps(void) {
  FILE *file = fopen("/proc/self/maps", "r");
  char line[4096];
  int count = 0;
  while (file && count < MOST_MAPS && fgets(line, sizeof line, file)) {
    struct map *map = &maps[count];
    map->path[0] = 0;
    if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &map->from, &map->to, map->flags, map->path) >= 3) count++;
  }
  if (file) fclose(file);
  return count;
}

/** Puts code and constants on huge pages. Those of a file would be mapped again in each fork, one by one. */
static void copy_code(void) {
  for (int i = read_maps() - 1; i >= 0; i--) {
    struct map *map = &maps[i];
    if (map->path[0] != '/' || map->flags[0] != 'r' || map->flags[1] == 'w') continue;
    size_t size = map->to - map->from;
    char *room = mmap(NULL, size + 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return;
    char *copy = (char *)(((unsigned long)room + HUGE - 1) / HUGE * HUGE + map->from % HUGE);
    madvise(copy, size, MADV_HUGEPAGE);
    memcpy(copy, (void *)map->from, size);
    mprotect(copy, size, PROT_READ | (map->flags[2] == 'x' ? PROT_EXEC : 0));
    mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)map->from);
    munmap(room, copy - room);
    munmap(copy + size, room + 2 * HUGE - copy);
  }
}

/** Takes all that lies free between what is used, so that a fork finds what it asks for together, behind it. */
static void fill_gaps(void) {
  for (size_t size = 65536; size >= 24; size = size > 1040 ? size / 2 : size - 16) {
    char *behind = (char *)sbrk(0) - mallinfo2().keepcost, *got;
    while ((got = malloc(size)) && got < behind) {}
    free(got);
  }
}

/** How often each page of the heaps was written to by a fork, from the map's first on; shared with the forks. */
static struct hot {
  unsigned long from, pages;
  unsigned char *times;
} hot[MOST_MAPS];
static int hot_count, looks;
static struct iovec written[MOST_MAPS];
static int written_count;

static void begin_to_look(void) {
  hot_count = written_count = 0;
  for (int i = 0, count = read_maps(); i < count; i++) {
    if (strncmp(maps[i].flags, "rw", 2) != 0 || maps[i].flags[3] != 'p' || strcmp(maps[i].path, "[stack]") == 0) continue;
    struct hot *own = &hot[hot_count++];
    own->from = maps[i].from;
    own->pages = (maps[i].to - maps[i].from) / PAGE;
    own->times = mmap(NULL, own->pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (own->times == MAP_FAILED) hot_count--;
  }
  looks = LOOKS;
}

/** Of a fork: the pages that lie in frames of memory of its own. Only root is told which frames. */
static void look(void) {
  char parent[50];
  snprintf(parent, sizeof parent, "/proc/%d/pagemap", getppid());
  int own = open("/proc/self/pagemap", O_RDONLY), theirs = open(parent, O_RDONLY);
  for (int i = 0; i < hot_count; i++)
    for (unsigned long page = 0; page < hot[i].pages;) {
      static unsigned long mine[512], before[512];
      size_t count = hot[i].pages - page < 512 ? hot[i].pages - page : 512;
      off_t at = (hot[i].from / PAGE + page) * 8;
      if (pread(own, mine, count * 8, at) < 0 || pread(theirs, before, count * 8, at) < 0) break;
      for (size_t k = 0; k < count; k++)
        if (mine[k] >> 63 && (mine[k] ^ before[k]) << 9) hot[i].times[page + k]++;
      page += count;
    }
}

static void end_looks(void) {
  for (int i = 0; i < hot_count; i++) {
    for (unsigned long page = 0; page < hot[i].pages && written_count < MOST_MAPS; page++) {
      if (hot[i].times[page] <= LOOKS / 2) continue;
      char *at = (char *)hot[i].from + page * PAGE;
      struct iovec *last = written_count ? &written[written_count - 1] : NULL;
      if (last && (char *)last->iov_base + last->iov_len == at) last->iov_len += PAGE;
      else written[written_count++] = (struct iovec){at, PAGE};
    }
    munmap(hot[i].times, hot[i].pages);
  }
}

/** settle(): makes the forks that come cheap. What was allocated and compiled so far is what they find. */
static napi_value settle(napi_env env, napi_callback_info info) {
  copy_code();
  fill_gaps();
  begin_to_look();
  return NULL;
}

/** Bytes of private memory that can be written: what RLIMIT_DATA bounds. */
static rlim_t data_size(void) {
  unsigned long data = 0;
  FILE *statm = fopen("/proc/self/statm", "r");
  if (statm) {
    if (fscanf(statm, "%*u %*u %*u %*u %*u %lu", &data) != 1) data = 0;
    fclose(statm);
  }
  return (rlim_t)data * sysconf(_SC_PAGESIZE);
}

static void limit(int what, rlim_t most) {
  struct rlimit both = {most, most};
  setrlimit(what, &both);
}

/** fork(seconds of processor time, bytes beyond what is there): 0 in the fork, else its process number. */
static napi_value fork_one(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2], result;
  napi_get_cb_info(env, info, &count, given, NULL, NULL);
  uv_loop_t *loop;
  napi_get_uv_event_loop(env, &loop);
  pid_t pid = -1;
  if (pipe(ends) == 0) pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    for (int i = 0; i < written_count; i++) madvise(written[i].iov_base, written[i].iov_len, MADV_POPULATE_WRITE);
    uv_loop_fork(loop);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (rlim_t)number_of(env, given[0]));
    limit(RLIMIT_DATA, data_size() + (rlim_t)number_of(env, given[1]));
  } else {
    close(ends[1]);
  }
  napi_create_int32(env, pid, &result);
  return result;
}

/** tell(text): of a fork, its last word. */
static napi_value tell(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value given[1];
  static char text[LONGEST];
  napi_get_cb_info(env, info, &count, given, NULL, NULL);
  napi_get_value_string_utf8(env, given[0], text, sizeof text, &length);
  if (looks) look();
  // A pipe takes this much at once, whether or not it is read.
  _exit(write(ends[1], text, length) == (ssize_t)length ? 0 : 1);
}

/** waitFor(process number, milliseconds): what a fork told, how it ended, and what it took. */
static napi_value wait_for(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2], result, told;
  napi_get_cb_info(env, info, &count, given, NULL, NULL);
  pid_t pid = (pid_t)number_of(env, given[0]);
  struct pollfd ended = {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
  int late = poll(&ended, 1, (int)number_of(env, given[1])) == 0;
  if (late) kill(pid, SIGKILL);
  int status = 0;
  struct rusage used;
  memset(&used, 0, sizeof used);
  wait4(pid, &status, 0, &used);
  if (looks && --looks == 0) end_looks();
  static char text[LONGEST];
  ssize_t length = read(ends[0], text, sizeof text);
  close(ended.fd);
  close(ends[0]);
  napi_create_object(env, &result);
  napi_create_string_utf8(env, text, length > 0 ? (size_t)length : 0, &told);
  napi_set_named_property(env, result, "told", told);
  put(env, result, "late", late);
  put(env, result, "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  put(env, result, "time", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
                               (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3);
  return result;
}

static napi_value start(napi_env env, napi_value exports) {
  static const struct {
    const char *name;
    napi_callback call;
  } all[] = {{"fork", fork_one}, {"tell", tell}, {"waitFor", wait_for}, {"settle", settle}};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    napi_value function;
    napi_create_function(env, all[i].name, NAPI_AUTO_LENGTH, all[i].call, NULL, &function);
    napi_set_named_property(env, exports, all[i].name, function);
  }
  return exports;
}

NAPI_MODULE(forks, start)
