import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from '../cache.ts'
import { TestBedError } from '../test-bed-error.ts'
import { runTool } from '../tools.ts'

/** The broker that tests run on when they ask for no other. */
export const kafkaVersion = '4.4.0'

/** The binding that fits the log4j-core that Kafka 4.3 and 4.4 bring. Without one the broker runs and says nothing. */
const log4jVersion = '2.25.5'

const pom = `<project><modelVersion>4.0.0</modelVersion><groupId>millrace.test</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <properties><kafka.version>${kafkaVersion}</kafka.version></properties>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>\${kafka.version}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${log4jVersion}</version><scope>runtime</scope></dependency>
  </dependencies></project>
`

const download = async (version: string, folder: string): Promise<void> => {
  const file = join(folder, 'pom.xml')
  writeFileSync(file, pom)
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  try {
    await runTool('mvn', ['-q', '-B', '-f', file, `-Dkafka.version=${version}`, ...goal])
  } catch (error) {
    if (error instanceof TestBedError) throw error
    throw new TestBedError('E_TESTBED_DOWNLOAD', { what: `Kafka ${version}`, reason: (error as Error).message }, '', error)
  }
  rmSync(file)
  if (!readdirSync(folder).some((name) => name.startsWith('kafka_2.13'))) {
    throw new TestBedError('E_TESTBED_DOWNLOAD', { what: `Kafka ${version}`, reason: 'Maven copied no broker' })
  }
}

/**
 * The folder with the jars of a broker, fetched with Maven into the cache when it is not there (44 files, 43 MB).
 * Throws `E_TESTBED_TOOL` without Maven, `E_TESTBED_DOWNLOAD` without a network.
 */
export const kafkaJars = (version: string = kafkaVersion): Promise<string> =>
  cached(`kafka-${version}`, (folder) => download(version, folder))
