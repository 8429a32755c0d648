export function findViolations(src: string): string[];
