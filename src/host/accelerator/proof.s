# The ROM that proves an accelerator (GNU as). It is mapped below 4 GiB and once more below 1 MiB; its last 512 bytes
# are this text, the rest is empty. It enters 64-bit mode in ring 0, tries what weak emulations of ring 0 lack, times
# three loops by the interval timer, and leaves through QEMU's isa-debug-exit. proof-rom.ts holds the same bytes; a
# test assembles this file again and compares.
	.intel_syntax noprefix
	.equ	LINEAR, 0xf0000		# where the ROM's lower mapping begins
	.equ	SEGMENT, 0xf000
	.equ	PLACE, 0xfe00		# of this text in the ROM
	.equ	REPORT, 0xe9		# QEMU's isa-debugcon
	.equ	LEAVE, 0xf4		# QEMU's isa-debug-exit
	.equ	GOOD, 0x2a

	.code16
start:	cli
	cld
	xor	eax, eax
	mov	ds, ax
	mov	es, ax
	mov	di, 0x1000		# three page tables from 0x1000: cleared
	mov	cx, 0x1800
	rep stosw
	mov	word ptr [0x1000], 0x2003
	mov	word ptr [0x2000], 0x3003
	mov	word ptr [0x3000], 0x0083	# 2 MiB, mapped to themselves
	mov	ax, 0x1000
	mov	cr3, eax
	mov	ax, 0x0620		# PAE, OSFXSR, OSXMMEXCPT
	mov	cr4, eax
	mov	ecx, 0xc0000080		# EFER
	rdmsr
	or	ah, 1			# LME
	wrmsr
	lgdt	cs:[PLACE + gdtr - start]
	mov	eax, 0x80000033		# PG, NE, ET, MP, PE
	mov	cr0, eax
	.byte	0x66, 0xea		# far jump to 64-bit code
	.long	LINEAR + PLACE + long - start
	.word	8

	.code64
long:	mov	edi, 0x5000
	xor	eax, eax
	xor	edx, edx
	mov	[rdi], rax
	mov	[rdi + 8], rax
	mov	ebx, 0x11111111
	mov	ecx, 0x33333333
	lock cmpxchg16b [rdi]
	jne	bad
	movdqu	xmm0, [rdi]		# (0x11111111, 0x33333333), doubled
	paddq	xmm0, xmm0
	movq	rax, xmm0
	cmp	eax, 0x22222222
	jne	bad

	mov	ebp, 3
round:	mov	al, 'B'
	out	REPORT, al
	in	al, 0x61		# timer 2: gate on, speaker off
	and	al, 0xfc
	or	al, 1
	out	0x61, al
	mov	al, 0xb0		# timer 2, mode 0, from 65535 down at 1.193182 MHz
	out	0x43, al
	mov	al, 0xff
	out	0x42, al
	out	0x42, al
	mov	ecx, 100000
again:	dec	ecx
	jnz	again
	mov	al, 0x80		# latch timer 2
	out	0x43, al
	in	al, 0x61		# bit 5: it has passed zero
	mov	bl, al
	mov	al, 'E'
	out	REPORT, al
	in	al, 0x42
	out	REPORT, al
	in	al, 0x42
	out	REPORT, al
	mov	al, bl
	out	REPORT, al
	dec	ebp
	jnz	round
	mov	al, GOOD
	out	LEAVE, al
bad:	mov	al, 1
	out	LEAVE, al
stop:	hlt
	jmp	stop

	.balign	8, 0
gdt:	.quad	0
	.quad	0x00af9b000000ffff	# 64-bit code, ring 0
gdtr:	.word	15
	.long	LINEAR + PLACE + gdt - start

	.org	0x1f0
	.code16
reset:	.byte	0xea			# the processor starts here: far jump to the lower mapping
	.word	PLACE, SEGMENT
	.org	0x200
