// Names and sizes of files, and addresses of files as this page may load them.

const UNITS = ["bytes", "KB", "MB", "GB"];

export function fileSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const amount = bytes / 1024 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`;
}

/** The address of a picture the page may show; null for one from elsewhere, which its security policy forbids. */
export function ownAddress(url: string): string | null {
  try {
    const address = new URL(url, location.href);
    const here = address.origin === location.origin || ["127.0.0.1", "localhost"].includes(address.hostname);
    return here && address.protocol.startsWith("http") ? address.pathname + address.search : null;
  } catch {
    return null;
  }
}

export function isImage(type: string | null | undefined, name: string): boolean {
  return type?.startsWith("image/") || (isUntold(type) && /\.(png|jpe?g|gif|webp|avif)$/i.test(name));
}

export function isVideo(type: string | null | undefined, name: string): boolean {
  return type?.startsWith("video/") || (isUntold(type) && /\.(mp4|webm|mov)$/i.test(name));
}

/** Whether a file's type says nothing, so that its name has to. */
function isUntold(type: string | null | undefined): boolean {
  return !type || type === "application/octet-stream";
}

export function isSpoiler(name: string): boolean {
  return name.startsWith("SPOILER_");
}

/** The last part of an address, without its signature. */
export function nameInAddress(url: string): string {
  return decodeURIComponent(url.split(/[?#]/)[0]?.split("/").at(-1) ?? "file");
}
