// A certificate authority for one test run, made by the openssl command: the broker and the provider present certificates of it,
// clients trust nothing else.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';

function openssl(...args) {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

export class Authority {
  constructor(folder, name = 'Test CA') {
    this.folder = folder;
    this.caFile = join(folder, 'ca.pem');
    this.caKey = join(folder, 'ca.key');
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
      '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
      '-keyout', this.caKey, '-out', this.caFile);
    this.ca = readFileSync(this.caFile);
  }

  /** A server certificate for localhost; returns the paths and the texts. */
  issue(name) {
    const at = (end) => join(this.folder, `${name}.${end}`);
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('key'),
      '-out', at('csr'));
    writeFileSync(at('ext'), `${NAMES}\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n`);
    openssl('x509', '-req', '-in', at('csr'), '-CA', this.caFile, '-CAkey', this.caKey, '-CAcreateserial', '-days', '2', '-extfile',
      at('ext'), '-out', at('pem'));
    return { certFile: at('pem'), keyFile: at('key'), cert: readFileSync(at('pem')), key: readFileSync(at('key')) };
  }

  /**
   * A certificate with everything a test may want to be wrong about it.
   * @param extensions  lines of an extension file
   * @param from, until  YYYYMMDDHHMMSSZ
   */
  sign(name, { extensions = ['extendedKeyUsage=clientAuth', 'basicConstraints=CA:FALSE'], from, until } = {}) {
    const at = (end) => join(this.folder, `${name}.${end}`);
    const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('key'),
      '-out', at('csr'));
    writeFileSync(at('index'), '');
    writeFileSync(at('cnf'), `[ca]\ndefault_ca=d\n[d]\ndatabase=${at('index')}\nnew_certs_dir=${this.folder}\nrand_serial=yes\n` +
      `default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\n${extensions.join('\n')}\n`);
    openssl('ca', '-batch', '-notext', '-config', at('cnf'), '-cert', this.caFile, '-keyfile', this.caKey, '-in', at('csr'), '-out', at('pem'),
      '-startdate', from ?? day(-1), '-enddate', until ?? day(2));
    return { certFile: at('pem'), keyFile: at('key'), cert: readFileSync(at('pem')), key: readFileSync(at('key')) };
  }
}
