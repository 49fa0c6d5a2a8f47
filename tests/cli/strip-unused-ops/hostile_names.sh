# names in a model are text, not C and not YAML, in the files that are written
command -v python3 > /dev/null || { echo "no python3"; exit 77; }
$PTM optimize $FIX/literals.pt -o a.ptm --passes none --preserve two -q
cat > change.py <<'P'
import json, struct, sys, zlib
b = bytearray(open("a.ptm", "rb").read())
n = struct.unpack_from("<I", b, 12)[0]
base = (32 + n + 63) // 64 * 64
h = json.loads(b[32:32 + n])
old, new = (b"\0" + a.encode() + b"\0" for a in sys.argv[1:3])
assert old in b and len(old) == len(new)
b = b.replace(old, new)
crc = 0
for section in ("program", "text", "entries"):
    p, q = h.get(section, (0, 0))
    crc = zlib.crc32(bytes(b[base + p:base + p + q]), crc)
b[28:32] = struct.pack("<I", crc)
open(sys.argv[3], "wb").write(b)
P
python3 change.py aten::mul 'aten: "m:' op.ptm
$PTM strip-unused-ops op.ptm --preserve two --ops-yaml - -q | grep -A 1 '"m'
python3 change.py aten::mul "$(printf 'aten:\nmul')" line.ptm
$PTM strip-unused-ops line.ptm --ops-yaml -
python3 change.py second 'x");a(' name.ptm
$PTM strip-unused-ops name.ptm -m two -i @ones:2 -i @ones:2 -i times=3 --build small -q > log 2>&1
grep usage small/main.c
