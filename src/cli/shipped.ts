import { fileURLToPath } from 'node:url';

/** The folder of the image recipes that come with gvm. */
export const shippedImages = fileURLToPath(new URL('../../images', import.meta.url));

/** The folder of the ready pipelines that come with gvm. */
export const shippedPipelines = fileURLToPath(new URL('../../ci', import.meta.url));
