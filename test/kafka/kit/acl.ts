import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs'
import { withAdmin } from '../../servers/kafka.ts'

/** A right: this user may do this with this topic or group. */
export interface Right {
  readonly user: string
  readonly topic?: string
  readonly group?: string
  readonly operation: 'describe' | 'read'
}

const aclOf = ({ user, topic, group, operation }: Right) => ({
  principal: `User:${user}`,
  host: '*',
  resourceType: topic === undefined ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
  resourceName: topic ?? group ?? '',
  resourcePatternType: ResourcePatternTypes.LITERAL,
  operation: operation === 'read' ? AclOperationTypes.READ : AclOperationTypes.DESCRIBE,
  permissionType: AclPermissionTypes.ALLOW,
})

/** Gives rights; they hold from the next request on. */
export const grant = async (brokers: readonly string[], rights: readonly Right[]): Promise<void> => {
  await withAdmin({ brokers: [...brokers] }, (admin) => admin.createAcls({ acl: rights.map(aclOf) }))
}

/** Takes them away again. */
export const revoke = async (brokers: readonly string[], rights: readonly Right[]): Promise<void> => {
  await withAdmin({ brokers: [...brokers] }, (admin) => admin.deleteAcls({ filters: rights.map(aclOf) }))
}
