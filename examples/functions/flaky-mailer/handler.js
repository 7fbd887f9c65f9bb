'use strict'

// Ids of events that have been here. An event that is tried again keeps its id, so it is not counted twice:
// this is also how a function makes sure that a repeated event has no second effect.
const seen = []

/** Fails at the first attempt of every third event, as a mail server does that is busy now and then. */
module.exports = async (event, context) => {
  const id = event.headers['x-event-id']
  if (!seen.includes(id)) seen.push(id)
  const isThird = (seen.indexOf(id) + 1) % 3 === 0
  if (isThird && event.headers['x-delivery-attempt'] === '1') {
    console.log('the mail server is busy')
    return context.status(503).fail('busy')
  }
  console.log('mail sent')
  return context.status(200).succeed('sent')
}
