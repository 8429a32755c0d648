// What betrays a secret that was left in an image: by its name, or by the marks of key files (RFC 7468, PKCS #8,
// OpenSSH's PROTOCOL.key) and of tokens with a fixed form. Only place and kind are told, never the secret.

const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/\/\.(?:bash|ash|zsh|sh|python|mysql|psql|sqlite|lesshst)_?(?:history)?$|\/\.\w+_history$/, 'history'],
  [/\/\.netrc$/, 'passwords (.netrc)'],
  [/\/\.git-credentials$/, 'passwords (git)'],
  [/\/\.pgpass$/, 'passwords (PostgreSQL)'],
  [/\/\.aws\/credentials$/, 'cloud credentials (AWS)'],
  [/\/\.config\/gcloud\/(?:credentials\.db|application_default_credentials\.json)$/, 'cloud credentials (Google)'],
  [/\/\.azure\/(?:accessTokens|msal_token_cache)\.json$/, 'cloud credentials (Azure)'],
  [/\/\.kube\/config$/, 'cluster credentials (Kubernetes)'],
  [/\/\.docker\/config\.json$/, 'registry credentials (Docker)'],
  [/\/\.vault-token$/, 'token (Vault)'],
  [/^\/var\/lib\/cloud\/instances?\/.*\/user-data\.txt(?:\.i)?$/, 'user data (cloud-init)'],
  [/^\/etc\/NetworkManager\/system-connections\/.+/, 'network connection, which may hold its key'],
  [/^\/etc\/wpa_supplicant\/.+\.conf$/, 'network connection, which may hold its key'],
  [
    /^\/var\/lib\/systemd\/random-seed$|^\/var\/lib\/(?:misc|seedrng)\/.*seed.*$/,
    'random seed, the same in each guest',
  ],
  [/\/etc\/krb5\.keytab$/, 'key (Kerberos)'],
];

const INSIDE: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----/, 'private key (PEM)'],
  [/-----BEGIN OPENSSH PRIVATE KEY-----/, 'private key (OpenSSH)'],
  [/-----BEGIN PGP PRIVATE KEY BLOCK-----/, 'private key (OpenPGP)'],
  [/\bAKIA[0-9A-Z]{16}\b/, 'access key (AWS)'],
  [/\bgh[pousr]_[A-Za-z0-9]{36}\b/, 'token (GitHub)'],
  [/\bglpat-[A-Za-z0-9_-]{20}\b/, 'token (GitLab)'],
];

/** The kind of secret that a file is by its path; an empty one holds none. */
export function secretBySight(path: string, size: number): string | undefined {
  return size === 0 ? undefined : BY_NAME.find(([pattern]) => pattern.test(path))?.[1];
}

/** The kind of secret that the beginning of a file shows. */
export function secretInside(head: Buffer): string | undefined {
  const text = head.toString('latin1');
  return INSIDE.find(([pattern]) => pattern.test(text))?.[1];
}
