/** Which hosts no source may name. */

/** Addresses that answer only to the machine itself: instance metadata with its credentials lives there (S10). */
export function isLinkLocalHost(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  if (name === 'metadata' || name === 'metadata.google.internal') return true;
  if (/^fe[89ab][0-9a-f]:/.test(name) || name === 'fd00:ec2::254') return true;
  const mapped = /^(?:::ffff:|64:ff9b::)(.*)$/.exec(name)?.[1] ?? name;
  // The URL parser has turned every other notation of an IPv4 address (decimal, octal) into dots, or into two
  // groups when it is mapped into IPv6.
  return mapped.startsWith('169.254.') || /^a9fe:[0-9a-f]{1,4}$/.test(mapped);
}
