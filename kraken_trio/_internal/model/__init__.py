"""The vocabulary that every room shares. Imports no other room, and no trio."""
