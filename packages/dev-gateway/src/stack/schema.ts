import { z } from 'zod'

/** YAML's scalars. */
export type Scalar = string | number | boolean | null
export type Scalars = Readonly<Record<string, Scalar>>

/** Memory and CPU as Kubernetes writes them. */
export interface Resources {
  readonly memory?: Scalar | undefined
  readonly cpu?: Scalar | undefined
}

/** A function as it stands in the file. */
export interface StackEntry {
  readonly lang?: string | undefined
  readonly handler?: string | undefined
  readonly image?: string | undefined
  readonly namespace?: string | null | undefined
  readonly annotations?: Scalars | null | undefined
  readonly labels?: Scalars | null | undefined
  readonly environment?: Scalars | null | undefined
  readonly environment_file?: readonly string[] | null | undefined
  readonly limits?: Resources | null | undefined
  readonly requests?: Resources | null | undefined
  readonly readonly_root_filesystem?: boolean | undefined
  /** Ours: the function runs elsewhere, at this URL. */
  readonly upstream?: string | undefined
}

export interface StackDocument {
  readonly functions?: Readonly<Record<string, StackEntry>> | null | undefined
}

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'must be a text, a number or a boolean' })
const texts = z.record(z.string(), scalar)
const resources = z.looseObject({ memory: scalar.optional(), cpu: scalar.optional() })

/** A DNS label: what Kubernetes takes, and what Millrace puts into a URL. */
const label = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and -, beginning and ending with a letter or digit')

const functionSchema = z.looseObject({
  lang: z.string().optional(),
  handler: z.string().optional(),
  image: z.string().optional(),
  namespace: z.union([label, z.literal('')]).nullish(),
  annotations: texts.nullish(),
  labels: texts.nullish(),
  environment: texts.nullish(),
  environment_file: z.array(z.string()).nullish(),
  limits: resources.nullish(),
  requests: resources.nullish(),
  readonly_root_filesystem: z.boolean().optional(),
  upstream: z.url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' }).optional(),
})

/** Fields of faas-cli's stack file that mean nothing here. */
export const ignoredFields: ReadonlySet<string> = new Set([
  'build_args',
  'build_options',
  'build_secrets',
  'configuration',
  'constraints',
  'fprocess',
  'platforms',
  'publish',
  'secrets',
  'skip_build',
  'copy',
])

const documentSchema = z.looseObject({
  version: z.union([z.string(), z.number()]).optional(),
  provider: z.looseObject({ name: z.literal('openfaas', { error: "must be 'openfaas'" }), gateway: z.string().nullish() }),
  functions: z.record(label, functionSchema, { error: 'must be a mapping from names to functions' }).nullish(),
  configuration: z.unknown().optional(),
})

/** faas-cli's stack file. Fields that it does not know are allowed, and reported by the reader. */
export const stackSchema: z.ZodType<StackDocument> = documentSchema

/** A file named by `environment_file`. */
export const environmentFileSchema: z.ZodType<{ readonly environment?: Scalars | null | undefined }> = z.looseObject({
  environment: texts.nullish(),
})

/** Keys that the schema of a function knows. */
export const functionFields: ReadonlySet<string> = new Set(Object.keys(functionSchema.shape))
export const stackFields: ReadonlySet<string> = new Set(Object.keys(documentSchema.shape))
