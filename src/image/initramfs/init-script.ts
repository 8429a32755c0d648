/**
 * `/init` of gvm's initramfs, for busybox. It says each failure in one line that begins with `gvm-initramfs:`, on the
 * kernel log so that the line is on the console before the machine goes.
 */
export const initScript = `#!/bin/busybox sh
# busybox finds its own applets through /proc.
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
say() { echo "<5>gvm: stage $*" > /dev/kmsg; }
fail() { echo "<2>gvm-initramfs: $*\${refused:+; modules not loaded:$refused}" > /dev/kmsg; poweroff -f; }
now() { read -r t _ < /proc/uptime; t=\${t%.*}\${t#*.}; t=\${t#0}; }
bytes() { hexdump -v -s "$2" -n "$3" -e '1/1 "%02x"' "/dev/$1" 2>/dev/null; }
dashes() { sed -E 's/(.{8})(.{4})(.{4})(.{4})/\\1-\\2-\\3-\\4-/'; }

# A GUID of GPT has its first three groups in little-endian order.
guid() { sed -E 's/(..)(..)(..)(..)(..)(..)(..)(..)/\\4\\3\\2\\1\\6\\5\\8\\7/' | dashes; }

partuuid() { # NAME: its PARTUUID; GPT entries are 128 bytes from sector 2, the signature of an MBR is at 440
  local at=/sys/class/block/$1 disk size number
  read -r number < $at/partition 2>/dev/null || return
  disk=$(readlink -f $at/..); read -r size < $disk/queue/logical_block_size; disk=\${disk##*/}
  case $(bytes $disk $size 8) in
    4546492050415254) bytes $disk $((size * 2 + (number - 1) * 128 + 16)) 16 | guid ;;
    *) echo "$(bytes $disk 440 4 | sed -E 's/(..)(..)(..)(..)/\\4\\3\\2\\1/')-$(printf %02x $number)" ;;
  esac
}

describe() { # NAME: its file system and UUID, from the superblock
  [ "$(bytes $1 1080 2)" = 53ef ] && { echo "ext, UUID=$(bytes $1 1128 16 | dashes)"; return; }
  [ "$(bytes $1 0 4)" = 58465342 ] && { echo "xfs, UUID=$(bytes $1 32 16 | dashes)"; return; }
  [ "$(bytes $1 65600 8)" = 5f42485266535f4d ] && { echo "btrfs, UUID=$(bytes $1 65568 16 | dashes)"; return; }
  [ "$(bytes $1 82 5)" = 4641543332 ] && { echo "vfat, UUID=$(bytes $1 67 4 | sed -E 's/(..)(..)(..)(..)/\\4\\3-\\2\\1/')"; return; }
  [ "$(bytes $1 512 8)" = 4546492050415254 ] && { echo "GPT"; return; }
  echo "nothing known"
}

find_root() {
  case $root in
    UUID=*|LABEL=*) device=$(findfs "$root" 2>/dev/null) ;;
    PARTUUID=*) for path in /sys/class/block/*; do
        [ "PARTUUID=$(partuuid \${path##*/})" = "$root" ] && device=/dev/\${path##*/}
      done; [ -n "$device" ] ;;
    *) device=$root; [ -b "$root" ] ;;
  esac
}

say initramfs
root= type= flags= mode=ro init=/sbin/init scale=1 device= refused= found=
for word in $(cat /proc/cmdline); do
  case $word in
    root=*) root=\${word#*=} ;; rootfstype=*) type=\${word#*=} ;; rootflags=*) flags=\${word#*=} ;;
    ro|rw) mode=$word ;; init=*) init=\${word#*=} ;; gvm.scale=*) scale=\${word#*=} ;;
  esac
done
for module in $(cat /modules); do insmod "/lib/$module" 2>/dev/null || refused="$refused \${module%.ko}"; done
[ -n "$root" ] || fail "the kernel command line has no root="
case $scale in ''|*[!0-9]*) scale=1 ;; esac
now; end=$((t + 500 * scale))
until find_root; do
  now
  if [ $t -ge $end ]; then
    for path in /sys/class/block/*; do
      name=\${path##*/}
      case $name in loop*|ram*) ;; *) found="$found\${found:+, }$name ($(describe $name))" ;; esac
    done
    fail "root device $root not found after $((5 * scale)) s; found: \${found:-no block device}"
  fi
  usleep 20000
done
error=$(mount \${type:+-t $type} -o "$mode\${flags:+,$flags}" "$device" /root 2>&1) ||
  fail "root device $root ($device, $(describe \${device##*/})) cannot be mounted: $error"
[ -e "/root$init" ] || [ -L "/root$init" ] || fail "the root file system on $device has no $init"
if [ -e /module-disk ]; then
  read -r release < /module-disk; device=
  for path in /sys/block/vd*; do
    read -r serial < $path/serial; [ "$serial" = modules ] && device=/dev/\${path##*/}
  done
  [ -n "$device" ] || fail "the disk with the modules of $release is not there"
  if [ -d /root/lib/modules ]; then
    error=$(mount -t ext4 -o ro $device /root/lib/modules 2>&1) ||
      fail "the disk with the modules of $release cannot be mounted: $error"
  else say "root, which has no /lib/modules for the modules of $release"; fi
fi
mount -t tmpfs -o mode=0755,nosuid,nodev run /root/run
for folder in sys dev proc; do /bin/busybox mount --move /$folder /root/$folder; done
echo "<5>gvm: stage init" > /root/dev/kmsg
exec /bin/busybox switch_root /root "$init"
`;
