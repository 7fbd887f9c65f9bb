'use strict'

/** Called by the clock: the headers say for which time, however late the call is. */
module.exports = async (event, context) => {
  console.log(`tick of ${event.headers['x-cron-scheduled-time']}`)
  return context.status(200).succeed('ok')
}
