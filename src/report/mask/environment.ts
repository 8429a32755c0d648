const NAME =
  /(?:^|_)(?:PASSWORD|PASSWD|PASS|PASSPHRASE|PASSCODE|TOKEN|SECRETS?|CREDENTIALS?|KEY|APIKEY|PRIVATEKEY|ACCESSKEY|PAT)(?:$|_(?!FILE|PATH|DIR|ID|NAME|URL|TYPE))/i;
/** What such a variable holds when it holds no secret: a switch, a number, a path. */
const PLAIN = /^(?:true|false|yes|no|on|off|none|null|always|never|auto|\d{1,5}|\.{0,2}\/[^\s]*)$/i;

/** The values of the environment whose names say that they are secret. */
export function secretsIn(environment: NodeJS.ProcessEnv): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && NAME.test(name) && !PLAIN.test(value) ? [value] : [],
  );
}
