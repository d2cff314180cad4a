import { describe, expect, test } from 'vitest';
import { loopbackCertificates } from '#host/certificates.ts';
import { systemClock } from '#host/clock.ts';
import type { Access } from './access.ts';
import { Certificates } from './certificates.ts';
import { ManualTime } from './manual-time.fixture.ts';

const [first, second] = [loopbackCertificates(systemClock), loopbackCertificates(systemClock)];
const access: Access = {
  server: 'https://127.0.0.1:6443',
  origin: 'context test of kubeconfig',
  user: 'u',
  insecure: false,
  ca: first.authority,
  certificate: first.certificate,
  key: first.key,
  files: { ca: '/ca', certificate: '/c', key: '/k' },
};
function open(of: Access = access) {
  const files = new Map([
    ['/ca', first.authority],
    ['/c', first.certificate],
    ['/k', first.key],
  ]);
  const time = new ManualTime();
  const certificates = new Certificates(of, time, (path) => {
    const text = files.get(path);
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  });
  return { files, time, certificates };
}

describe('F25: certificates of files', () => {
  test('stay the same object while nothing changes, and are read again every minute', () => {
    const { files, time, certificates } = open();
    const used = certificates.current();
    expect(used).toEqual({ ca: first.authority, certificate: first.certificate, key: first.key });
    files.set('/ca', second.authority);
    time.advance(59_000);
    expect(certificates.current()).toBe(used);
    time.advance(1_000);
    const next = certificates.current();
    expect(next).toEqual({ ...used, ca: second.authority });
    time.advance(60_000);
    expect(certificates.current()).toBe(next);
  });

  test('are read again at once when one was refused: true where there are others than were used', () => {
    const { files, certificates } = open();
    const used = certificates.current();
    expect(certificates.renew(used)).toBe(false);
    files.set('/c', second.certificate).set('/k', second.key);
    expect(certificates.renew(used)).toBe(true);
    // Another request that was under way with the old ones has reason to be sent again too.
    expect(certificates.renew(used)).toBe(true);
    expect(certificates.current()).toMatchObject({ certificate: second.certificate, key: second.key });
  });

  test('are only taken together: not half a file, not the key of another certificate, not none', () => {
    const { files, certificates } = open();
    const used = certificates.current();
    files.set('/c', second.certificate);
    expect(certificates.renew(used)).toBe(false);
    files.set('/k', second.key.slice(0, second.key.length / 2));
    expect(certificates.renew(used)).toBe(false);
    files.delete('/k');
    expect(certificates.renew(used)).toBe(false);
    files.set('/k', second.key);
    expect(certificates.renew(used)).toBe(true);
  });

  test('that are in the kubeconfig itself stay', () => {
    const { files, certificates } = open({ ...access, files: {} });
    const used = certificates.current();
    files.set('/ca', second.authority);
    expect(certificates.renew(used)).toBe(false);
  });
});
