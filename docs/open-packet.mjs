// Opens a packet of Enveis with npm `age-encryption` (0.3 or later) and nothing of Enveis: hybrid or classic.
//
//   npm install age-encryption
//   node open-packet.mjs identity.txt PACKET.age packet.zip && unzip packet.zip -d packet
//
// The identity file must be plain: open one with a passphrase by `age -d identity.txt` first. The result appears
// under its name only after the packet was authenticated to its last byte; an existing file is not replaced.
import { createReadStream, createWriteStream, linkSync, readFileSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Decrypter } from "age-encryption";

const [identities, packet, zip] = process.argv.slice(2);
if (!zip) {
  console.error("usage: node open-packet.mjs IDENTITY-FILE PACKET.age NEW.zip");
  process.exit(2);
}
const opener = new Decrypter();
for (const line of readFileSync(identities, "utf8").split("\n")) {
  if (line.startsWith("AGE-SECRET-KEY-")) opener.addIdentity(line.trim());
}
const part = `${zip}.part`;
try {
  const plaintext = await opener.decrypt(Readable.toWeb(createReadStream(packet)));
  await pipeline(Readable.fromWeb(plaintext), createWriteStream(part, { flags: "wx", mode: 0o600 }));
  linkSync(part, zip);
} catch (error) {
  console.error(`not opened: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(part, { force: true });
}
