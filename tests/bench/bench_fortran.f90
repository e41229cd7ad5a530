! SPDX-License-Identifier: GPL-3.0-or-later
! bench_fortran ENDPOINT [ATOMS [FRAMES]] - what %send() costs a Fortran code: microseconds a frame
! of real64 positions and velocities, one every 100 us, beside a copy of the same arrays.
program bench_fortran
    use, intrinsic :: iso_fortran_env, only: int64, real64
    use ionwatch
    implicit none

    character(len=1000) :: word
    type(ionwatch_stream) :: watch
    real(real64), allocatable :: x(:, :), v(:, :), copy(:, :, :), send_us(:), copy_us(:)
    real(real64) :: cell(3, 3), start
    integer :: atoms, frames, i, status
    integer(int64) :: step

    atoms = 300
    frames = 10000
    call get_command_argument(2, word)
    if (len_trim(word) > 0) read (word, *) atoms
    call get_command_argument(3, word)
    if (len_trim(word) > 0) read (word, *) frames
    call get_command_argument(1, word)
    if (len_trim(word) == 0) error stop 'usage: bench_fortran ENDPOINT [ATOMS [FRAMES]]'
    allocate (x(3, atoms), v(3, atoms), copy(3, atoms, 2), send_us(frames), copy_us(frames))
    call random_number(x)
    call random_number(v)
    cell = 0
    do i = 1, 3
        cell(i, i) = 20
    end do
    x = 20 * x
    v = 0.01_real64 * v
    call watch%open([('Li', i=1, atoms)], 1.0_real64, code='bench', endpoint=word, status=status)
    if (status /= ionwatch_ok) error stop 'cannot open the endpoint'
    do i = 1, frames
        start = now_us()
        copy(:, :, 1) = x
        copy(:, :, 2) = v
        copy_us(i) = now_us() - start
        step = i
        x(1, 1) = 1.0e-3_real64 * mod(i, 1000)
        start = now_us()
        call watch%send(step, real(i, real64), x, v, cell, status=status)
        send_us(i) = now_us() - start
        if (status /= ionwatch_ok) error stop 'a frame was refused'
        do while (now_us() < start + 100)
        end do
    end do
    print '(i0, a, i0, a)', atoms, ' atoms, real64 positions and velocities, ', frames, ' frames'
    print '(a, f8.2, a)', 'copy of the arrays  median', median(copy_us), ' us'
    print '(a, f8.2, a, f6.1, a)', 'send                median', median(send_us), ' us, ', &
        median(send_us) / median(copy_us), ' copies'
    if (copy(1, 1, 1) < 0) print *, copy ! or they would not be made
    call watch%close(20000)

contains

    real(real64) function now_us()
        integer(int64) :: count, rate

        call system_clock(count, rate)
        now_us = 1e6_real64 * real(count, real64) / real(rate, real64)
    end function now_us

    ! The middle one in order of size, by counting: once a run.
    real(real64) function median(values)
        real(real64), intent(in) :: values(:)
        integer :: k, below, equal

        median = values(1)
        do k = 1, size(values)
            below = count(values < values(k))
            equal = count(values <= values(k))
            if (below <= size(values) / 2 .and. size(values) / 2 < equal) then
                median = values(k)
                return
            end if
        end do
    end function median
end program bench_fortran
