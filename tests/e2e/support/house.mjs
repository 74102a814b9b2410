// The stage of most tests: a certificate authority, a real provider with some clients, a broker with TCP and TLS listeners.
// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { Broker } from './broker.mjs';
import { Provider } from './provider.mjs';
import { Authority } from './tls.mjs';
import { tempFolder } from './work.mjs';

export const CLIENTS = {
  device: { secret: 'device secret & more', roles: undefined },
  broker: { secret: 'broker-secret' },
};

/**
 * @param xml      ({ provider, caFile }) => text of conf/config.xml
 * @param files    further files
 * @param clientCa a CA file: a listener `mtls` besides, which demands certificates of it
 * @returns { folder, authority, caFile, ca, provider, broker, tcp, tls } (tcp, tls: ports)
 */
export async function house(t, { xml, files = {}, clients = CLIENTS, provider: settings = {}, args = [], tcp = true, clientCa } = {}) {
  const folder = tempFolder(t);
  mkdirSync(join(folder, 'ca'));
  const authority = new Authority(join(folder, 'ca'));
  const provider = await Provider.start({ authority, clients, ...settings });
  t.after(() => provider.stop().catch(() => {}));
  const { certFile, keyFile } = authority.issue('broker');
  const caFile = authority.caFile;
  const broker = await Broker.start(t, {
    folder,
    files: { 'conf/config.xml': xml({ provider, caFile }), ...files },
    listeners: [...(tcp ? ['tcp:0,name=tcp'] : []), `tls:0,name=tls,cert=${certFile},key=${keyFile}`,
      ...(clientCa ? [`tls:0,name=mtls,cert=${certFile},key=${keyFile},client-ca=${clientCa}`] : [])],
    args,
  });
  return {
    folder, authority, caFile, ca: authority.ca, provider, broker,
    get tcp() { return broker.port('tcp'); },
    get tls() { return broker.port('tls'); },
  };
}
