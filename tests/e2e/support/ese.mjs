// The configuration files of the two HiveMQ articles, as their readers have them, with addresses of this machine put in.
// SPDX-License-Identifier: Apache-2.0

function extension(realms, pipelines) {
  return `<?xml version="1.0" encoding="UTF-8" ?>
<enterprise-security-extension xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:noNamespaceSchemaLocation="config.xsd" version="1">
  <realms>
${realms}
  </realms>
  <pipelines>
${pipelines}
  </pipelines>
</enterprise-security-extension>
`;
}

/** Okta's article: signature, introspection with client credentials, audience, a scope in an array; everything allowed after that. */
export function oktaXml({ provider, caFile, client = 'broker', secret, introspection = true, grace, validation, pipelineExtra = '' }) {
  const checks = validation ?? `<reserved-claims><aud>HiveMQ</aud><scope alt="scp">mqtt</scope></reserved-claims>${
    grace === undefined ? '' : `<exp-grace disconnect-after-expiry="true">${grace}</exp-grace>`}`;
  return extension(`    <jwt-realm>
      <name>Okta</name>
      <enabled>true</enabled>
      <configuration>
        <jwks-endpoint>${provider.jwksUrl}</jwks-endpoint>${introspection ? `
        <introspection-endpoint>${provider.introspectionUrl}</introspection-endpoint>` : ''}
        <simple-auth><username>${client}</username><password>${secret ?? provider.clients[client].secret}</password></simple-auth>
        <ssl-trust-store>${caFile}</ssl-trust-store>
      </configuration>
    </jwt-realm>`, `    <listener-pipeline name="okta-pipeline" listener="ALL">
      <jwt-authentication-manager>
        <realm>Okta</realm>
        <jwt-validation>${checks}</jwt-validation>
      </jwt-authentication-manager>${pipelineExtra}
      <allow-all-authorization-manager/>
    </listener-pipeline>`);
}

/** Entra's article: no audience or issuer checked, roles from the token; `authorization` is 'allow-all' or 'file'. */
export function entraXml({ provider, caFile, authorization = 'file', grace = 300 }) {
  const file = authorization === 'file';
  return extension(`    <jwt-realm>
      <name>jwt-provider</name><enabled>true</enabled>
      <configuration>
        <jwks-endpoint>${provider.jwksUrl}</jwks-endpoint>
        <simple-auth><username>CLIENT</username><password>SECRET</password></simple-auth>
        <ssl-trust-store>${caFile}</ssl-trust-store>
      </configuration>
    </jwt-realm>${file ? `
    <file-realm><name>file-realm</name><enabled>true</enabled>
      <configuration><file-path>conf/roles.xml</file-path></configuration></file-realm>` : ''}`,
  `    <listener-pipeline listener="ALL">
      <jwt-authentication-manager>
        <realm>jwt-provider</realm>
        <jwt-validation><exp-grace disconnect-after-expiry="true">${grace}</exp-grace></jwt-validation>
      </jwt-authentication-manager>
      <authorization-preprocessors>
        <jwt-preprocessor prefix="{{" postfix="}}">
          <source>authentication-byte-secret</source>
          <jwt-extractions>
            <jwt-extraction><jwt-claim>roles</jwt-claim><ese-variable>authorization-role-key</ese-variable></jwt-extraction>
          </jwt-extractions>
        </jwt-preprocessor>
      </authorization-preprocessors>
      ${file ? `<file-authorization-manager>
        <realm>file-realm</realm>
        <use-authorization-key>false</use-authorization-key>
        <use-authorization-role-key>true</use-authorization-role-key>
      </file-authorization-manager>` : '<allow-all-authorization-manager/>'}
    </listener-pipeline>`);
}

/** The article's file realm: `niagara4` publishes to topic-1 and subscribes to topic-2. */
export const NIAGARA_ROLES = `<?xml version="1.0" encoding="UTF-8" ?>
<ese-file-realm version="1">
  <mqtt>
    <roles>
      <role>
        <id>niagara4</id>
        <permissions>
          <permission><topic>topic-1</topic><qos>ALL</qos><activity>PUBLISH</activity></permission>
          <permission><topic>topic-2</topic><qos>ALL</qos><activity>SUBSCRIBE</activity></permission>
        </permissions>
      </role>
    </roles>
  </mqtt>
</ese-file-realm>
`;

/** ESE's access log: the three line formats, to the letter. */
const STAMP = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} UTC`;
const TEXT = String.raw`(?:[^\u0000-\u001f"\\]|\\u[0-9a-fA-F]{4})*`;
export const LINE = {
  failed: new RegExp(`^${STAMP} - authentication-failed - Client failed authentication: ID ${TEXT}, IP [0-9a-f.:]+, ` +
    String.raw`reason "unknown authentication key or wrong authentication secret"\.$`),
  succeeded: new RegExp(`^${STAMP} - authentication-succeeded - Client succeeded authentication: ID ${TEXT}, IP [0-9a-f.:]+\\.$`),
  authorized: new RegExp(`^${STAMP} - authorization-succeeded - Client succeeded authorization: ID ${TEXT}, IP [0-9a-f.:]+, ` +
    String.raw`permissions \[.*\]\.$`),
  anyFailure: new RegExp(`^${STAMP} - authentication-failed - Client failed authentication: ID ${TEXT}, IP [0-9a-f.:]+, reason "${TEXT}"\\.$`),
};
export const ALLOW_ALL = "permissions [Permission{topicFilter='#', qos=[0, 1, 2], activity=[publish, subscribe], " +
  "retainedPublishAllowed=true, sharedSubscribeAllowed=true, sharedGroup='', from='allow-all'}].";
