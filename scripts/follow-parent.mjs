/** Loaded into a program by `launch.mjs`: when the launcher is killed and cannot forward a signal, the program drains and ends. */
if (process.env.MILLRACE_LAUNCHER === String(process.ppid) && process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Without this, the open channel alone would keep a finished program alive.
  process.channel.unref()
}
delete process.env.MILLRACE_LAUNCHER
