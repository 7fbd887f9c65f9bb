/**
 * The HTTP face of an OpenFaaS gateway and its fault plans, for programs that put functions behind it.
 * A sub-export of its own because the rest of the test kit needs vitest.
 */
export { describeError, isMillraceError, MillraceError } from '../core/errors.ts'
export { createFaultPlan, wireFaults } from './fault-plan.ts'
export type { Fault, FaultAction, FaultMatch, FaultPlan, FaultPlanSpec, FaultRule, FaultSubject, WireFault } from './fault-plan.ts'
export { parseFaultPlan } from './fault-plan-file.ts'
export { locateIssues, readLocatedYaml } from './located-yaml.ts'
export type { LocatedYaml, SchemaIssue } from './located-yaml.ts'
export { startGatewayServer } from './gateway-server.ts'
export type { GatewayServer } from './gateway-server.ts'
export type { GatewayObserver, GatewayServerOptions } from './gateway-exchange.ts'
export { BrokenUpstream, headerValue, headerValues } from './gateway-provider.ts'
export type { FunctionCall, FunctionReply, FunctionStatus, GatewayFunction, GatewayProvider, RawHeaders } from './gateway-provider.ts'
export { RecordedRequest } from './recorded-request.ts'
