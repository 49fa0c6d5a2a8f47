"$PTM" backends | grep -q 'xnnpack *not' || { echo "xnnpack can be used here"; exit 77; }
"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -r 2 -w 1 --sort order --cpu c -b cpu,xnnpack | grep -c '^xnnpack *skipped: '
"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -b xnnpack > out 2>&1
echo "exit $?"
