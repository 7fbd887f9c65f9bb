import type { RabbitmqAdmin } from '../../../../test/servers/rabbitmq.ts'

/**
 * Publishes a message to a queue of `/` whose headers no client of ours could encode: a table in a table 6,000 times, beside more bytes than
 * one read of a socket brings. Every other property has a value.
 */
export const publishNested = async (broker: Pick<RabbitmqAdmin, 'evaluate'>, queue: string, body: string): Promise<void> => {
  const wide = '{<<"wide">>, longstr, binary:copy(<<"x">>, 70000)}'
  const deep = `[${wide} | lists:foldl(fun(_, X) -> [{<<>>, table, X}] end, [], lists:seq(1, 6000))]`
  const rest = Array.from({ length: 4 }, () => 'undefined').join(', ')
  const properties = `{'P_basic', <<"text/plain">>, <<"identity">>, ${deep}, 2, 3, <<"c">>, <<"r">>, undefined, <<"m">>, ${rest}, undefined}`
  await broker.evaluate(`rabbit_basic:publish(rabbit_misc:r(<<"/">>, exchange, <<>>), <<"${queue}">>, ${properties}, <<"${body}">>)`)
}
