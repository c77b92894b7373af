#!/bin/sh
echo "noritama $1"
