import { BUILDER_DONE, builderPrologue } from './builder-guest.ts';

/**
 * `/init` of the builder guest, for busybox. Disks: vda is a tar archive of the packages and what goes over them, vdb is
 * empty and holds the root while it grows, vdc takes its archive. The last line on the console says how it ended.
 */
export const builderScript = `${builderPrologue}
mke2fs -q -F /dev/vdb > /dev/null && mount -t ext2 /dev/vdb /root || fail "the work disk"
mkdir -p /root/in /root/root && tar -x -f /dev/vda -C /root/in || fail "the input disk"
cd /root/in
root=/root/root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
inside() { chroot $root /usr/bin/env -i PATH=$PATH LC_ALL=$LC_ALL DEBIAN_FRONTEND=$DEBIAN_FRONTEND DEBCONF_NONINTERACTIVE_SEEN=true "$@"; }

echo "gvm-builder: unpacking"
for folder in bin sbin lib lib64; do mkdir -p $root/usr/$folder; ln -s usr/$folder $root/$folder; done
# Not by dpkg-deb, whose busybox form forgets the times of files.
content() { case $1 in *.xz) xzcat "$1" ;; *.gz) zcat "$1" ;; *) cat "$1" ;; esac; }
mkdir unpack
for deb in debs/*.deb; do
  ( cd unpack && ar -x "../$deb" && content data.tar.* | tar -x -C $root && rm -- * ) || fail "unpacking $deb"
done
mkdir -p $root/var/lib/dpkg/updates $root/var/lib/dpkg/info $root/proc $root/sys $root/dev $root/tmp/debs
: > $root/var/lib/dpkg/status
: > $root/var/lib/dpkg/available
echo amd64 > $root/var/lib/dpkg/arch
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t devtmpfs dev $root/dev
mount --bind /root/in/debs $root/tmp/debs
printf '#!/bin/sh\\nexit 101\\n' > $root/usr/sbin/policy-rc.d
chmod 755 $root/usr/sbin/policy-rc.d

echo "gvm-builder: configuring"
options="--force-depends --force-confold --force-unsafe-io --force-overwrite"
inside dpkg $options --install /tmp/debs/base-passwd.deb || fail "dpkg --install base-passwd"
inside sh -c "dpkg $options --unpack /tmp/debs/*.deb" || fail "dpkg --unpack"
inside dpkg $options --configure --pending || fail "dpkg --configure"
rm $root/usr/sbin/policy-rc.d

echo "gvm-builder: overlay"
tar -x -f overlay.tar -C $root || fail "the overlay"
for step in setup/*; do
  cp "$step" $root/tmp/setup && inside sh -e /tmp/setup || fail "setup: $(cat "$step")"
  rm $root/tmp/setup
done
umount $root/tmp/debs; umount $root/dev; umount $root/sys; umount $root/proc
rmdir $root/tmp/debs

echo "gvm-builder: packing"
tar -c -f /dev/vdc -C $root . || fail "packing"
sync
echo "${BUILDER_DONE}"
poweroff -f
`;
