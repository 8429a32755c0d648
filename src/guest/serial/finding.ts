/** A complaint of the kernel on the console of a guest that may well go on. */
export interface ConsoleFinding {
  kind:
    | 'panic'
    | 'oops'
    | 'warning'
    | 'soft-lockup'
    | 'hard-lockup'
    | 'hung-task'
    | 'rcu-stall'
    | 'oom-kill'
    | 'init-crash';
  /** The kernel's line without its time stamp, fit for a terminal. */
  line: string;
  /** Milliseconds since the start of QEMU. */
  at: number;
}
