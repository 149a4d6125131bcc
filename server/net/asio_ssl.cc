// SPDX-License-Identifier: Apache-2.0
// Boost.Asio's TLS definitions, compiled once (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/ssl/impl/src.hpp>
