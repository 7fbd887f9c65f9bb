'use strict'

/** Gets only what its filter lets pass. */
module.exports = async (event, context) => {
  console.log(`a big order: ${event.body.id ?? '(no id)'}`)
  return context.status(200).succeed('noted')
}
