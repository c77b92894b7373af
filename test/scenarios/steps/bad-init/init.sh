err cannot prepare
return 6
