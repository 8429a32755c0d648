import { GvmError } from '../../../errors/index.ts';
import { type Diagnostic, unsupported } from '../../trouble.ts';
import type { Assembly, Made, Member, MemberNote, VolumeManager } from '../manager.ts';
import { type Group, type LogicalVolume, readGroup } from './group.ts';
import { type PvHead, readPvHead } from './label.ts';
import { type Present, Volumes } from './volumes.ts';

type Pv = Member<PvHead>;
const SNAPSHOT = 'snapshots';

/** LVM2, the logical volumes of Linux. */
export const lvm: VolumeManager<PvHead> = {
  name: 'lvm',
  probe: readPvHead,
  place: () => 0,
  describe: ({ id, group }) => ({
    content: 'LVM2',
    uuid: id.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-$5-$6-'),
    label: group?.name,
  }),
  async assemble(members, { signal }) {
    const made: Made[] = [];
    const notes: MemberNote[] = members.map(({ name, head }) => ({ name, diagnostics: head.diagnostics }));
    // A volume may hold no text of its own, so the groups come first and take what they name.
    const newest = new Map<string, Pv>();
    for (const member of members) {
      const id = idOf(member);
      if (id !== undefined && seqnoOf(member) > seqnoOf(newest.get(id))) newest.set(id, member);
    }
    const taken = new Set<string>();
    for (const member of newest.values()) {
      if (!member.head.group) continue;
      try {
        const group = readGroup(member.head.group.name, member.head.group.text);
        const name = taken.has(group.name) ? `${group.name}@${group.id.slice(0, 6)}` : group.name;
        taken.add(name);
        made.push(...(await openGroup({ ...group, name }, members, signal)));
      } catch (error) {
        if (!(error instanceof GvmError)) throw error;
        notes.push({ name: member.name, reason: error });
      }
    }
    return { made, notes } satisfies Assembly;
  },
};

function idOf({ head }: Pv): string | undefined {
  const id = head.group?.text.get('id');
  return typeof id === 'string' ? id : undefined;
}

function seqnoOf(member: Pv | undefined): number {
  return member?.head.group?.seqno ?? -1;
}

async function openGroup(group: Group, members: readonly Pv[], signal?: AbortSignal): Promise<Made[]> {
  const structure = `LVM2 group ${group.name}`;
  const shared: Diagnostic[] = [];
  const present: Map<string, Pv> & Present = new Map();
  for (const [name, { id, missing }] of group.physical) {
    const found = members.filter(({ head }) => head.id === id);
    if (found.length > 1) {
      const names = found.map((one) => one.name).join(', ');
      shared.push({
        structure,
        offset: undefined,
        message: `${names} say to be one physical volume; ${found[0]?.name} is read`,
      });
    }
    if (found[0] && !missing) present.set(name, found[0]);
  }
  const refused = refusals(group);
  const volumes = new Volumes(group, present, signal);
  const made: Made[] = [];
  for (const volume of group.logical.values()) {
    // A snapshot is seen by the name of its store; the volume that ties it to its origin is none of its own.
    const tie = volume.segments.some(({ type }) => type === 'snapshot');
    if (tie || !(volume.visible || refused.has(volume.name))) continue;
    const name = `${group.name}/${volume.name}`;
    const diagnostics = [...shared];
    const said = new Set<string>();
    const say = (what: string) => {
      if (!said.has(what)) diagnostics.push({ structure, offset: undefined, message: `${name}: ${what}` });
      said.add(what);
    };
    const on = new Set<string>();
    let source: Made['source'];
    try {
      const why = refused.get(volume.name);
      if (why) throw unsupported(`LVM2 volume ${name}`, why);
      source = await volumes.open(volume, { say, on });
    } catch (error) {
      if (!(error instanceof GvmError)) throw error;
      source = error;
    }
    const size = volume.segments.reduce((sum, { count }) => sum + count, 0) * group.extent;
    const how = refused.get(volume.name) === SNAPSHOT ? 'LVM2 snapshot' : howOf(volume);
    const names = on.size > 0 ? on : new Set([...present.values()].map((pv) => pv.name));
    made.push({ name, how, on: [...names].sort(), source, size, diagnostics });
  }
  return made;
}

/** What looks like a plain volume and is none: the store of a snapshot, an origin into which one is being merged. */
function refusals(group: Group): Map<string, string> {
  const found = new Map<string, string>();
  for (const { segments } of group.logical.values()) {
    for (const { type, names } of segments) {
      if (type !== 'snapshot') continue;
      const [store, merging, origin] = ['cow_store', 'merging_store', 'origin'].map((key) => names.get(key));
      if (store) found.set(store, SNAPSHOT);
      if (merging) found.set(merging, SNAPSHOT);
      if (merging && origin) found.set(origin, 'a volume into which a snapshot is being merged');
    }
  }
  return found;
}

function howOf({ segments }: LogicalVolume): string {
  const [first] = segments;
  const type = first?.type === 'striped' && first.stripes.length === 1 ? 'linear' : (first?.type ?? '');
  return `LVM2 ${/^[\w+-]{1,40}$/.test(type) ? type : 'volume'}`;
}
