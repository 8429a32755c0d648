// Forks of a running Node, one for each case. Node cannot do this itself: its heap is kept from forks, and its threads
// would be missing in one. So it runs with --single-threaded, and with this file in LD_PRELOAD, which leaves it all of its
// memory.
#define _GNU_SOURCE
#include <node_api.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "settle.h"

#define LONGEST 65536

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
