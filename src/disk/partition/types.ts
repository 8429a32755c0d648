// The names of partition types that appear on Linux disks. Specification: UAPI.2 Discoverable Partitions.

const gpt: Record<string, string> = {
  'C12A7328-F81F-11D2-BA4B-00A0C93EC93B': 'EFI system',
  'BC13C2FF-59E6-4262-A352-B275FD6F7172': 'Linux extended boot',
  '21686148-6449-6E6F-744E-656564454649': 'BIOS boot',
  '0FC63DAF-8483-4772-8E79-3D69D8477DE4': 'Linux data',
  '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F': 'Linux swap',
  'E6D6D379-F507-44C2-A23C-238F2A3DF928': 'Linux LVM',
  'A19D880F-05FC-4D3B-A006-743F0F84911E': 'Linux RAID',
  'CA7D7CCB-63ED-4C53-861C-1742536059CC': 'Linux LUKS',
  '933AC7E1-2EB4-4F13-B844-0E14E2AEF915': 'Linux home',
  '4D21B016-B534-45C2-A9FB-5C16E091FD2D': 'Linux variable data',
  '7EC6F557-3BC5-4ACA-B293-16EF5DF639D1': 'Linux temporary data',
  '3B8F8425-20E0-4F3B-907F-1A25A76F98E8': 'Linux server data',
  '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709': 'Linux root (x86-64)',
  '44479540-F297-41B2-9AF7-D131D5F0458A': 'Linux root (x86)',
  'B921B045-1DF0-41C3-AF44-4C6F280D3FAE': 'Linux root (arm64)',
  '69DAD710-2CE4-4E3C-B16C-21A1D49ABED3': 'Linux root (arm)',
  '72EC70A6-CF74-40E6-BD49-4BDA08E8F224': 'Linux root (riscv64)',
  '8484680C-9521-48C6-9C11-B0720656F69E': 'Linux usr (x86-64)',
  '2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5': 'Linux root verity (x86-64)',
  'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7': 'Microsoft basic data',
  'E3C9E316-0B5C-4DB8-817D-F92DF00215AE': 'Microsoft reserved',
};

const dos: Record<number, string> = {
  1: 'FAT12',
  4: 'FAT16 below 32M',
  5: 'extended',
  6: 'FAT16',
  7: 'NTFS or exFAT',
  11: 'FAT32',
  12: 'FAT32 (LBA)',
  14: 'FAT16 (LBA)',
  15: 'extended (LBA)',
  130: 'Linux swap',
  131: 'Linux',
  133: 'Linux extended',
  142: 'Linux LVM',
  239: 'EFI system',
  253: 'Linux RAID',
};

/** What a GPT partition type is for. */
export function gptTypeName(guid: string): string | undefined {
  return Object.hasOwn(gpt, guid) ? gpt[guid] : undefined;
}

/** What a dos partition type is for. */
export function dosTypeName(type: number): string | undefined {
  return dos[type];
}
