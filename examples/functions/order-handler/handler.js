'use strict'

/** Handles one order. The headers say which event this is and how often it was tried. */
module.exports = async (event, context) => {
  const { headers, body } = event
  console.log(`order ${body.id ?? '(no id)'} handled, event ${headers['x-event-id']}, attempt ${headers['x-delivery-attempt']}`)
  return context.status(200).succeed({ handled: body.id ?? null })
}
