// The one file that imports amqplib 2.3.1. It brings its own types; `@types/amqplib` (0.10) must not be installed beside them.
export { connect, credentials } from 'amqplib'
export type { Channel, ChannelModel, ConfirmChannel, Message, Options, RecoveringChannelModel, SocketOptions } from 'amqplib'
