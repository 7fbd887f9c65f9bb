/** Why something is no CloudEvent, for the person who sent it. */
export class CloudEventFault extends Error {
  override readonly name: string = 'CloudEventFault'
  /** What to do about it. */
  readonly fix: string

  constructor(detail: string, fix: string) {
    super(detail)
    this.fix = fix
  }
}
